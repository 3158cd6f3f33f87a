"""From the order to the saved file: start a job, follow it to its end, fetch what it has made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from app.cli.client import Api
from app.cli.errors import INTERRUPTED, Refused, job_failed
from app.cli.fetching.bars import JobBar
from app.cli.fetching.long_poll import follow
from app.cli.fetching.saving import Fetch, Saved
from app.cli.fetching.targets import Target, open_part
from app.cli.output import note, print_json, size_text
from app.schemas import JobStatus, Link
from jobs.bundles.downloads import Compression, OnMissing
from jobs.engine.jobs import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be downloaded."""

    file_ids: Sequence[int]
    archive_name: str | None = None
    on_missing: OnMissing = OnMissing.FAIL
    compression: Compression = Compression.STORE

    def body(self) -> dict[str, Any]:
        """The body of `POST /v1/download/initiate`."""
        named = {} if self.archive_name is None else {"archiveName": self.archive_name}
        wishes = {"onMissing": self.on_missing, "compression": self.compression}
        return {"file_ids": list(self.file_ids), **wishes, **named}


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A result that was saved and verified."""

    job_id: UUID
    path: Path
    saved: Saved

    def json(self) -> dict[str, Any]:
        omitted = [one.model_dump(mode="json", by_alias=True) for one in self.saved.link.omitted]
        return {
            "jobId": str(self.job_id),
            "path": str(self.path),
            "size": self.saved.size,
            "crc32": self.saved.crc32,
            "sha256": self.saved.sha256,
            "omitted": omitted,
        }


def run(api: Api, order: Order, target: Target, *, quiet: bool = False) -> Downloaded:
    """Start the job and stay until its result is saved. Raises `SystemExit(130)` on Ctrl-C; the job then goes on.

    Raises what `Api`, `Fetch` and `Target` raise, and `Refused` for a job that ends without a result.
    """
    target.check()
    job_id = api.initiate(order.body()).job_id
    with _interruptible(job_id), JobBar(quiet=quiet) as bar:
        _follow(api, job_id, bar)
        return _save(api, job_id, target, bar)


@contextmanager
def _interruptible(job_id: UUID) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        note(f"Interrupted. The job goes on: `haulage jobs show {job_id}`, `haulage jobs cancel {job_id}`")
        raise SystemExit(INTERRUPTED) from None


def _follow(api: Api, job_id: UUID, bar: JobBar) -> None:
    for event in follow(api, job_id):
        bar.follow(event)
        if event.status.ended:
            _require_result(event)


def _require_result(status: JobStatus) -> None:
    if status.status is Status.COMPLETED:
        return
    if status.error is not None and status.status is Status.FAILED:
        raise job_failed(status.job_id, status.error.error_class, status.error.message)
    problem = "result_expired" if status.status is Status.EXPIRED else "not_ready"
    raise Refused(f"Job {status.job_id} is {status.status}.", problem)


def _save(api: Api, job_id: UUID, target: Target, bar: JobBar) -> Downloaded:
    link = api.link(job_id)
    wanted = target.path(link.filename)
    links: list[Link] = [link]

    def next_link() -> Link:
        return links.pop() if links else api.link(job_id)

    bar.saving(0, link.size)
    with open_part(wanted) as out:
        part = Path(out.name)
        try:
            saved = Fetch(api.pool, next_link, out, lambda done: bar.saving(done, link.size)).run()
            out.flush()
            return Downloaded(job_id, target.place(part, wanted), saved)
        except BaseException:
            # Another run is another job, with another bundle: it could not go on from here.
            part.unlink(missing_ok=True)
            raise


def tell(found: Downloaded, *, as_json: bool = False) -> None:
    """Print the result."""
    if as_json:
        return print_json(found.json())
    print(f"Saved {found.path} ({size_text(found.saved.size)}, CRC-32 {found.saved.crc32} verified)")
    for one in found.saved.link.omitted:
        note(f"Left out: {one.name} ({one.file_id}): {one.reason}")
    return None
