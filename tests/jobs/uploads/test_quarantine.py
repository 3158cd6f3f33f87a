"""An infected upload: out of everybody's reach at once, its bytes kept for `QUARANTINE` and no longer."""

from __future__ import annotations

import pytest
import structlog

from jobs.access.audit import list_entries
from jobs.engine.jobs import Status
from jobs.engine.worker.outcomes import Outcomes
from jobs.engine.worker.reporter import Reporter
from jobs.errors import FileInfected, FileUnscannable, IllegalTransition
from jobs.notices import NoticeKind, RaisedNotice, list_notices
from jobs.services import Services
from jobs.uploads.attempt import Receiver
from jobs.uploads.scanning import open_scanner
from jobs.uploads.scanning.samples import eicar
from jobs.uploads.uploads import Upload
from tests.helpers.clamd import SIGNATURE, STREAM_MAX_LENGTH, ClamdServer
from tests.helpers.settings import with_changes
from tests.helpers.uploads import completed, files_of, objects
from tests.jobs.uploads.attempts import attempted, claimed, clean_up, failed, failure, receiver

DAY = 24 * 3600


@pytest.fixture
def scanning(services: Services, clamd: ClamdServer) -> Receiver:
    """A worker with a scanner."""
    return receiver(services, scanner=open_scanner(with_changes(services.settings, clamd_url=clamd.url)))


async def clean_up_after(services: Services, upload: Upload, seconds: float) -> Upload:
    """Runs the cleanup this long after the virus was found."""
    moved = "UPDATE upload_jobs SET infected_at = now() - make_interval(secs => $2) WHERE job_id = $1"
    await services.database.fetch(moved, upload.id, seconds)
    return await clean_up(services, upload, ended=f"{seconds} seconds")


async def actions(services: Services) -> list[tuple[str, str | None]]:
    """What the audit log says, oldest first."""
    entries = await list_entries(services.database, None, None, 10)
    return [(entry.action.action, entry.action.subject) for entry in reversed(entries)]


async def notices(services: Services) -> list[RaisedNotice]:
    return await list_notices(services.database, only_open=True, before=None, limit=10)


async def test_operators_are_told_of_infected_uploads_once_for_each_owner(
    services: Services, scanning: Receiver
) -> None:
    for owner in ("olga", "otto", "olga"):
        upload = await failed(services, await completed(services, eicar(), owner=owner), scanning)
    [otto, olga] = await notices(services)
    assert (otto.key, otto.count) == ("infected:otto", 1)
    assert (olga.kind, olga.key, olga.count, olga.job_id) == (NoticeKind.INFECTED, "infected:olga", 2, upload.id)
    assert SIGNATURE in olga.message


async def test_operators_are_told_of_uploads_that_were_refused_because_they_could_not_be_scanned(
    services: Services, scanning: Receiver
) -> None:
    data = bytes(STREAM_MAX_LENGTH + 1)
    for owner in ("olga", "otto"):
        upload = await failed(services, await completed(services, data, owner=owner), scanning)
        assert upload.status is Status.FAILED
    [one] = await notices(services)
    assert (one.kind, one.key, one.count) == (NoticeKind.UNSCANNABLE, "unscannable:StreamMaxLength", 2)
    assert one.job_id == upload.id
    assert "an upload of otto (StreamMaxLength)" in one.message


async def test_an_upload_that_is_cancelled_while_it_is_scanned_is_not_noticed_as_unscannable(
    services: Services, scanning: Receiver
) -> None:
    held = await claimed(services, await completed(services, bytes(STREAM_MAX_LENGTH + 1)))
    reporter = Reporter(held.job, held.records, services.lifecycle, services.feed)
    with pytest.raises(FileUnscannable) as raised:
        await scanning.attempt(held, reporter)
    await services.lifecycle.cancel(held.job.id)
    outcomes = Outcomes(services)
    outcome = await outcomes.judge(raised.value, started_at=0, made_progress=False)
    await outcomes.write(held.job, outcome, notices=reporter.notices)
    assert reporter.notices
    assert await notices(services) == []


async def test_an_infected_file_is_kept_for_the_quarantine_and_then_removed(
    services: Services, scanning: Receiver
) -> None:
    with structlog.testing.capture_logs() as said:
        upload = await failed(services, await completed(services, eicar(), owner="olga"), scanning)
    assert (upload.status, upload.finding) == (Status.FAILED, SIGNATURE)
    assert upload.failure is not None
    assert SIGNATURE not in upload.failure.message
    [line] = [line for line in said if line["event"] == "upload_quarantined"]
    assert (line["job_id"], line["owner"], line["finding"]) == (str(upload.id), "olga", SIGNATURE)
    assert await files_of(services, upload.id) == []
    for seconds in (3600, 2 * DAY, 7 * DAY - 60):  # a failed upload would be removed after a day
        kept = await clean_up_after(services, upload, seconds)
        assert (kept.removed, kept.cleanup_at is None, await objects(services)) == (False, False, [upload.key])
    gone = await clean_up_after(services, upload, 7 * DAY + 60)
    assert (gone.removed, gone.cleanup_at, await objects(services)) == (True, None, [])
    await clean_up_after(services, upload, 8 * DAY)
    assert await actions(services) == [("quarantine", str(upload.id)), ("removeInfected", str(upload.id))]


@pytest.mark.parametrize("changes", [{"quarantine": 60}])
async def test_a_short_quarantine_does_not_wait_for_the_end_of_the_retry_window(
    services: Services, scanning: Receiver
) -> None:
    upload = await failed(services, await completed(services, eicar()), scanning)
    assert (await clean_up_after(services, upload, 30)).removed is False
    assert (await clean_up_after(services, upload, 90)).removed is True


async def test_an_infected_upload_is_not_retried(services: Services, scanning: Receiver) -> None:
    upload = await failed(services, await completed(services, eicar()), scanning)
    with pytest.raises(IllegalTransition, match=r"is infected\. It cannot be retried"):
        await services.uploads.require_retryable(upload.id)
    again = await services.lifecycle.retry(upload.id)  # past the check
    error = await failure(services, again, receiver(services))
    assert isinstance(error, FileInfected), "a worker without a scanner refuses it, too"


async def test_an_attempt_that_dies_after_the_finding_leaves_it_to_the_next(
    services: Services, scanning: Receiver
) -> None:
    held = await claimed(services, await completed(services, eicar()))
    with pytest.raises(FileInfected):
        await attempted(services, held, scanning)  # its outcome is lost
    released = await services.lifecycle.release(held.job)
    upload = await failed(services, released, receiver(services))
    assert (upload.status, upload.finding) == (Status.FAILED, SIGNATURE)
    assert len(await actions(services)) == 1
    assert [one.count for one in await notices(services)] == [1]


async def test_a_cancelled_upload_stays_in_quarantine_too(services: Services, scanning: Receiver) -> None:
    held = await claimed(services, await completed(services, eicar()))
    with pytest.raises(FileInfected):
        await attempted(services, held, scanning)
    await services.lifecycle.cancel(held.job.id)
    upload = await services.uploads.read(held.job.id)
    assert (await clean_up_after(services, upload, 2 * DAY)).removed is False
    assert (await clean_up_after(services, upload, 8 * DAY)).removed is True
