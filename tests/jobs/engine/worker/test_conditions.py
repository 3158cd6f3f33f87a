"""Conditions: noticed once they have lasted, by whichever process sees them, and closed once nobody sees them any more."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import structlog

from jobs.breakers import FAILURE_THRESHOLD
from jobs.engine.lifecycle import NewJob
from jobs.engine.sql.workers import record_heartbeat
from jobs.engine.worker import conditions
from jobs.engine.worker.conditions import PATIENCE, SILENCE, Condition, Conditions, nearly_full, out_of_order
from jobs.errors import DatabaseUnavailable, ScannerUnavailable
from jobs.kinds import Kind
from jobs.notices import Notice, NoticeKind, RaisedNotice, gather_reports, list_notices, raise_notice
from jobs.services import Services, open_services
from jobs.settings import ScanSettings, Settings
from jobs.uploads.notices import SCANNER_AWAY
from jobs.uploads.scanning import Scanner
from jobs.work import works_of
from tests.helpers.eventually import eventually
from tests.helpers.proxies import proxied
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes

DISK = Notice(kind=NoticeKind.DISK, key="disk:host:/tmp", message="It is nearly full.")


class Times:
    """A clock, and the times of the database's notices, which are moved together."""

    def __init__(self, services: Services) -> None:
        self.now = 1_000.0
        self._database = services.database

    def __call__(self) -> float:
        return self.now

    async def pass_by(self, seconds: float) -> None:
        self.now += seconds
        await self._database.fetch("UPDATE notices SET last_at = last_at - make_interval(secs => $1)", seconds)


class Seen:
    """A condition that lasts as long as it has a notice."""

    def __init__(self, notice: Notice | None) -> None:
        self.notice = notice

    async def __call__(self) -> Notice | None:
        return self.notice


class Usage(NamedTuple):
    """Of a disk, in bytes."""

    total: int
    free: int


@pytest.fixture
def times(services: Services) -> Times:
    return Times(services)


async def open_notices(services: Services) -> list[RaisedNotice]:
    return await list_notices(services.database, only_open=True, before=None, limit=10)


async def keys(services: Services) -> list[str]:
    return [one.key for one in await open_notices(services)]


async def broken() -> Notice | None:
    raise OSError("no such folder")


async def test_a_condition_is_raised_once_it_has_lasted(services: Services, times: Times) -> None:
    seen = Seen(DISK)
    checks = Conditions(services, [seen], times)
    for _ in range(2):
        await checks.check()
        await times.pass_by(PATIENCE - 1)
        seen.notice = None  # it is over, for one check
        await checks.check()
        seen.notice = DISK
    await checks.check()
    assert await keys(services) == []
    await times.pass_by(PATIENCE)
    for _ in range(3):
        await checks.check()
    [one] = await open_notices(services)
    assert (one.key, one.count) == (DISK.key, 1)


async def test_a_condition_is_closed_once_no_process_sees_it(services: Services, times: Times) -> None:
    seen = Seen(DISK)
    one, other = Conditions(services, [seen], times), Conditions(services, clock=times)
    for _ in range(10):
        await one.check()
        await other.check()
        await times.pass_by(SILENCE / 3)
    assert await keys(services) == [DISK.key], "the other process, which does not see it, leaves it open"
    seen.notice = None
    await times.pass_by(SILENCE)
    with structlog.testing.capture_logs() as logged:
        await other.check()
    assert await keys(services) == []
    assert [line["key"] for line in logged if line["event"] == "notice_closed"] == [DISK.key]


async def test_after_an_outage_of_the_database_others_have_time_to_raise_theirs_again(
    services: Services, settings: Settings, times: Times
) -> None:
    async with services.database.begin() as connection:
        await raise_notice(connection, DISK)
    await gather_reports(services.database)
    async with (
        proxied(str(settings.database_url)) as database,
        open_services(with_changes(settings, database_url=database.url, database_timeout=1)) as cut_off,
    ):
        checks = Conditions(cut_off, clock=times)
        await checks.check()
        database.stall()
        await times.pass_by(10 * SILENCE)
        with pytest.raises(DatabaseUnavailable):
            await checks.check()
        await database.heal()
        await eventually(lambda: cut_off.database.breaker.state == "closed")
        await checks.check()
        await times.pass_by(SILENCE - 1)
        await checks.check()
        assert await keys(services) == [DISK.key]
        await times.pass_by(1)
        await checks.check()
        assert await keys(services) == []


async def test_jobs_that_no_worker_does_are_noticed_by_kind(services: Services, times: Times) -> None:
    checks = Conditions(services, clock=times)
    for kind in (Kind.DOWNLOAD, Kind.UPLOAD):
        await services.lifecycle.create(NewJob(kind=kind, owner="olga", files=[]))
    await record_heartbeat(services.database, "w", dict.fromkeys([Kind.UPLOAD], 4), datetime.now(UTC))
    await checks.check()
    await times.pass_by(PATIENCE)
    await record_heartbeat(services.database, "w", dict.fromkeys([Kind.UPLOAD], 4), datetime.now(UTC))
    await checks.check()
    [one] = await open_notices(services)
    assert (one.kind, one.key) == (NoticeKind.NO_WORKER, "no_worker:download")
    await record_heartbeat(services.database, "w", dict.fromkeys([Kind.DOWNLOAD, Kind.UPLOAD], 4), datetime.now(UTC))
    await times.pass_by(SILENCE)
    await checks.check()
    assert await keys(services) == []


@pytest.mark.parametrize("process", [serving, working])
async def test_gateways_and_workers_check(
    services: Services, settings: Settings, process: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway sees that there is no worker at all; a worker of another kind that there is none of this one."""
    monkeypatch.setattr(conditions, "INTERVAL", 0.1)
    monkeypatch.setattr(conditions, "PATIENCE", 0)
    await services.lifecycle.create(NewJob(kind=Kind.DOWNLOAD, owner="olga", files=[]))

    async def is_noticed() -> bool:
        return await keys(services) == ["no_worker:download"]

    async with process(with_changes(settings, worker_kinds=(Kind.UPLOAD,))):
        await eventually(is_noticed)


@pytest.mark.parametrize("changes", [{"clamd_url": "unix:///nowhere/clamd.ctl"}])
async def test_workers_of_uploads_notice_that_the_scanner_is_away(services: Services, tmp_path: Path) -> None:
    assert len(works_of(services)[Kind.UPLOAD].conditions) == 1
    assert works_of(services)[Kind.DOWNLOAD].conditions == ()
    scanner = Scanner(f"unix://{tmp_path}/clamd.sock", ScanSettings())
    condition = out_of_order(scanner.breaker, SCANNER_AWAY)
    for _ in range(FAILURE_THRESHOLD):
        assert await condition() is None
        with pytest.raises(ScannerUnavailable):
            await scanner.test()
    assert await condition() == SCANNER_AWAY


async def test_without_a_scanner_there_is_nothing_to_notice(services: Services) -> None:
    assert works_of(services)[Kind.UPLOAD].conditions == ()


@pytest.mark.parametrize(
    ("total", "free", "is_full"),
    [(100, 9, True), (100, 10, False), (10**12, 9_999_999_999, True), (10**12, 10_000_000_000, False)],
)
async def test_a_disk_is_nearly_full_with_less_than_a_tenth_free_and_less_than_10_gb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, free: int, is_full: bool
) -> None:
    condition = nearly_full(tmp_path)
    assert await condition() in {None, await condition()}, "of a real disk"
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(total, free))
    notice = await condition()
    assert (notice is not None) is is_full
    if notice is not None:
        assert re.search(rf"disk of {re.escape(str(tmp_path))} on .+: {free:,} of {total:,} bytes", notice.message)
        assert notice.key.endswith(f":{tmp_path}")


async def test_a_condition_that_can_not_be_checked_keeps_no_other_from_it(services: Services, times: Times) -> None:
    several: list[Condition] = [broken, Seen(DISK)]
    checks = Conditions(services, several, times)
    with structlog.testing.capture_logs() as logged:
        await checks.check()
        await times.pass_by(PATIENCE)
        await checks.check()
    assert await keys(services) == [DISK.key]
    assert [line["event"] for line in logged].count("condition_failed") == 2


async def test_a_check_that_fails_is_followed_by_others(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "INTERVAL", 0.01)
    times_checked = 0
    checked = asyncio.Event()

    async def check(_: Conditions) -> None:
        nonlocal times_checked
        times_checked += 1
        if times_checked == 3:
            checked.set()
        raise (DatabaseUnavailable("It is away.") if times_checked == 1 else ZeroDivisionError)

    monkeypatch.setattr(Conditions, "check", check)
    async with Conditions(services).running(), asyncio.timeout(10):
        await checked.wait()
