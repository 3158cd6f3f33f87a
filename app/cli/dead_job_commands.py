"""`haulage dead`: dead jobs of a server, printed as tables or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

import typer

from app.cli.client import ApiClient, parse
from app.cli.errors import Refused, exit_code, print_error
from app.cli.job_commands import error_text, parse_status, print_facts, print_response
from app.cli.output import print_json, print_message, print_table, time_text
from app.schemas import DeadJob, DeadPage, HistoryPage, Transition

_PAGE_SIZE = 200
_PROBLEMS_OF_ONE_JOB = {"job_not_found", "illegal_transition"}
"""After any other problem the remaining jobs are not tried."""


class DeadJobCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self, limit: int) -> None:
        """Print the most recent dead jobs, at most `limit`."""
        body = self._client.dead_jobs(limit)
        if self._as_json:
            return print_response(body)
        rows = [_row(job) for job in parse(DeadPage, body).jobs]
        return print_table(("JOB", "KIND", "DIED", "ATTEMPTS", "ERROR", "NAME"), rows)

    def show(self, job_id: UUID) -> None:
        """Print a job and its history."""
        body = self._client.status(job_id, since=None)
        transitions = list(self._history(job_id))
        if self._as_json:
            return print_json(
                {"job": json.loads(body), "transitions": [one.model_dump(mode="json") for one in transitions]}
            )
        print_facts(parse_status(body))
        print()
        rows = [_transition_row(transition) for transition in transitions]
        return print_table(("AT", "COMMAND", "FROM", "TO", "ATTEMPT", "ERROR"), rows)

    def retry(self, job_ids: Sequence[UUID] | None) -> None:
        """Queue these jobs again; None stands for all dead jobs."""
        self._for_each(job_ids, self._client.retry, "queued again")

    def delete(self, job_ids: Sequence[UUID] | None) -> None:
        """Delete these jobs; None stands for all dead jobs."""
        self._for_each(job_ids, self._client.delete_dead_job, "deleted")

    def _for_each(self, job_ids: Sequence[UUID] | None, command: Callable[[UUID], object], done_text: str) -> None:
        """Run the command on each job. Raises `typer.Exit` when some of those that were named were refused."""
        done: list[UUID] = []
        refused: list[tuple[UUID, Refused]] = []
        for job_id in self._all_dead() if job_ids is None else dict.fromkeys(job_ids):
            try:
                command(job_id)
            except Refused as error:
                if error.problem not in _PROBLEMS_OF_ONE_JOB:
                    raise
                if job_ids is not None:  # otherwise it is no longer dead, which is fine
                    refused.append((job_id, error))
            else:
                done.append(job_id)
                if not self._as_json:
                    print(f"Job {job_id} was {done_text}.")
        self._print_outcome(done, refused)
        if refused:
            raise typer.Exit(exit_code(refused[0][1]))

    def _print_outcome(self, done: Sequence[UUID], refused: Sequence[tuple[UUID, Refused]]) -> None:
        for _, refusal in refused:
            print_error(refusal.message)
        if self._as_json:
            refusals = [{"jobId": str(i), "error": one.problem, "message": one.message} for i, one in refused]
            print_json({"done": [str(job_id) for job_id in done], "refused": refusals})
        elif not done and not refused:
            print_message("There are no dead jobs.")

    def _all_dead(self) -> Sequence[UUID]:
        """Return all jobs that are dead now, before the first of them is changed."""
        found: list[UUID] = []
        cursor: str | None = None
        while True:
            page = parse(DeadPage, self._client.dead_jobs(_PAGE_SIZE, cursor))
            found += [job.job_id for job in page.jobs]
            cursor = page.next_cursor
            if cursor is None:
                return found

    def _history(self, job_id: UUID) -> Iterator[Transition]:
        cursor: str | None = None
        while True:
            page = parse(HistoryPage, self._client.history(job_id, _PAGE_SIZE, cursor))
            yield from page.transitions
            cursor = page.next_cursor
            if cursor is None:
                return


def _row(job: DeadJob) -> Sequence[str]:
    attempts = f"{job.attempt} of {job.max_attempts}"
    return (str(job.job_id), job.kind, time_text(job.finished_at), attempts, error_text(job.error), job.title)


def _transition_row(transition: Transition) -> Sequence[str]:
    return (
        time_text(transition.at),
        transition.command,
        transition.source or "",
        transition.target,
        str(transition.attempt or ""),
        error_text(transition.error),
    )
