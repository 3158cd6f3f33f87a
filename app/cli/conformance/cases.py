"""What the rules are checked on: two small jobs of our own and what was recorded of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from app.cli.conformance.recordings import Recorder, Recording, ended
from app.cli.conformance.wire import Broken, Skipped, Wire
from app.cli.errors import CommandFailed, Refused, ServerUnreachable
from app.schemas import FilePage

NAME = "haulage-conformance"
_FILES = 3
_LARGEST = 64 << 20
"""Bytes of a file that is taken unasked."""


@dataclass(frozen=True, slots=True)
class Case:
    """`job` is the first of `jobs`; `unfollowed`: of what was said of the second one when it was followed no more.

    `slow`: rules that take long are checked, too.
    """

    wire: Wire
    jobs: Sequence[UUID]
    recordings: Sequence[Recording]
    unfollowed: Recording
    final: dict[str, Any]
    patience: float
    slow: bool = False

    @property
    def job(self) -> UUID:
        return self.jobs[0]

    @property
    def status_path(self) -> str:
        return f"/v1/download/job/{self.job}"

    @property
    def stream_path(self) -> str:
        return f"/v1/download/stream/{self.job}"

    @property
    def socket_path(self) -> str:
        return f"/v1/download/subscribe/{self.job}"

    @property
    def unknown(self) -> UUID:
        return uuid4()

    @property
    def seq(self) -> int:
        """The last one of the job. Raises `Skipped` when it has not ended."""
        if not ended(self.final):
            raise Skipped("the job has not ended")
        return int(self.final["seq"])


def started(wire: Wire, file_ids: Sequence[int]) -> list[UUID]:
    """Two jobs of these files, or of the smallest of the catalogue. Raises what `Api` raises, and `CommandFailed`."""
    body = {"file_ids": list(file_ids) or _smallest(wire), "archiveName": NAME}
    return [wire.api.initiate(body).job_id for _ in range(2)]


def _smallest(wire: Wire) -> list[int]:
    page = FilePage.model_validate_json(wire.api.ask("GET", "/v1/download/files?limit=200").data)
    small = sorted(page.files, key=lambda file: file.size)[:_FILES]
    found = [file.id for file in small if file.size <= _LARGEST]
    if not found:
        raise CommandFailed("There is no small file in the catalogue: name some with --file-id.")
    return found


def recorded(wire: Wire, jobs: Sequence[UUID], patience: float, *, slow: bool) -> Case:
    """The jobs, followed to their end."""
    recorder = Recorder(wire, jobs, patience)
    with ThreadPoolExecutor(1) as beside:
        unfollowed = beside.submit(recorder.unfollowed)
        recordings = recorder.run()
    return Case(wire, jobs, recordings, unfollowed.result(), _final(wire, jobs[0]), patience, slow)


def _final(wire: Wire, job: UUID) -> dict[str, Any]:
    """The whole status of the job; nothing where there is none to be had."""
    try:
        return wire.ask(f"/v1/download/job/{job}?since=0").json
    except Broken:
        return {}


def removed(wire: Wire, jobs: Sequence[UUID]) -> None:
    """Leaves nothing behind: cancels a job that has not ended, removes a bundle that was made."""
    for job in jobs:
        removals: Sequence[Callable[[], object]] = (
            lambda job=job: wire.api.cancel(job),  # type: ignore[misc]
            lambda job=job: wire.api.ask("DELETE", f"/v1/download/job/{job}/bundle"),  # type: ignore[misc]
        )
        for remove in removals:
            try:
                remove()
            except (Refused, ServerUnreachable):
                continue
