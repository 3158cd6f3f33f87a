"""Dead jobs of a server, as tables or as JSON; and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from uuid import UUID

import typer

from app.cli.client import Api
from app.cli.errors import Refused, complain, exit_code
from app.cli.jobs import error_text, print_facts, print_raw
from app.cli.output import note, print_json, print_table, time_text
from app.schemas import DeadJob, DeadPage, HistoryPage, JobStatus, Transition

_PAGE = 200
_MOVED_ON = {"job_not_found", "illegal_transition"}
"""Problems of one job, which say nothing of the next."""


class DeadJobs:
    """What `haulage dead` does, each printed. Raises what `Api` raises."""

    def __init__(self, api: Api, as_json: bool) -> None:
        self._api = api
        self._as_json = as_json

    def list(self, limit: int) -> None:
        """The jobs that died last, at most `limit`."""
        body = self._api.dead(limit)
        if self._as_json:
            return print_raw(body)
        rows = [_row(job) for job in DeadPage.model_validate_json(body).jobs]
        return print_table(("JOB", "DIED", "ATTEMPTS", "ERROR", "NAME"), rows)

    def show(self, job_id: UUID) -> None:
        """A job and its history."""
        body = self._api.status(job_id, since=None)
        steps = list(self._history(job_id))
        if self._as_json:
            return print_json(
                {"job": json.loads(body), "transitions": [step.model_dump(mode="json") for step in steps]}
            )
        print_facts(JobStatus.model_validate_json(body))
        print()
        return print_table(("AT", "COMMAND", "FROM", "TO", "ATTEMPT", "ERROR"), [_step_row(step) for step in steps])

    def retry(self, job_ids: Sequence[UUID] | None) -> None:
        """Queues them, or all that are dead, again."""
        self._each(job_ids, self._api.retry, "is queued again")

    def drop(self, job_ids: Sequence[UUID] | None) -> None:
        """Drops them, or all that are dead."""
        self._each(job_ids, self._api.drop, "is dropped")

    def _each(self, job_ids: Sequence[UUID] | None, act: Callable[[UUID], object], said: str) -> None:
        """Acts on each of the jobs. Raises `typer.Exit` when some can't be acted on."""
        done, refused = [], []
        for job_id in self._all() if job_ids is None else dict.fromkeys(job_ids):
            try:
                act(job_id)
            except Refused as error:
                if error.problem not in _MOVED_ON:
                    raise
                if job_ids is not None:  # else it only is not dead any more
                    refused.append((job_id, error))
            else:
                done.append(job_id)
                if not self._as_json:
                    print(f"Job {job_id} {said}.")
        self._tell(done, refused)
        if refused:
            raise typer.Exit(exit_code(refused[0][1]))

    def _tell(self, done: Iterable[UUID], refused: Sequence[tuple[UUID, Refused]]) -> None:
        for _, error in refused:
            complain(error.message)
        if self._as_json:
            said = [{"jobId": str(i), "error": error.problem, "message": error.message} for i, error in refused]
            print_json({"done": [str(job_id) for job_id in done], "refused": said})
        elif not done and not refused:
            note("No job is dead.")

    def _all(self) -> Sequence[UUID]:
        """Those that are dead now: what dies meanwhile is left for another time."""
        found: list[UUID] = []
        cursor: str | None = None
        while True:
            page = DeadPage.model_validate_json(self._api.dead(_PAGE, cursor))
            found += [job.job_id for job in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _history(self, job_id: UUID) -> Iterator[Transition]:
        cursor: str | None = None
        while True:
            page = HistoryPage.model_validate_json(self._api.history(job_id, _PAGE, cursor))
            yield from page.transitions
            cursor = page.next_cursor
            if cursor is None:
                return


def _row(job: DeadJob) -> Sequence[str]:
    attempts = f"{job.attempt} of {job.max_attempts}"
    return (str(job.job_id), time_text(job.finished_at), attempts, error_text(job.error), job.archive_name or "")


def _step_row(step: Transition) -> Sequence[str]:
    attempt = str(step.attempt or "")
    return (time_text(step.at), step.command, step.source or "", step.target, attempt, error_text(step.error))
