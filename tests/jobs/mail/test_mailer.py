"""Mail from the notice to the mailbox: at most one in five minutes, nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import structlog

from jobs.mail.digests import MAX_LISTED, claim_mail, find_failure
from jobs.mail.mailer import FIRST_RETRY, PAUSE, RECORD_TIME, Mailer, mailing
from jobs.notices import Notice, NoticeKind, acknowledge, close_condition, gather_reports, list_notices, raise_notice
from jobs.services import Services
from jobs.webhooks.endpoints import add_endpoint
from jobs.webhooks.messages import OF_JOBS
from tests.helpers.databases import execute
from tests.helpers.eventually import eventually
from tests.helpers.jobs import dead
from tests.helpers.mail_servers import MailServer, mail_server
from tests.helpers.running import serving, worker_process, working
from tests.helpers.settings import with_changes

SITE = "https://site.example"


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture
def mail_settings(server: MailServer) -> dict[str, Any]:
    return {
        "smtp_url": server.url,
        "smtp_starttls": "off",
        "mail_from": "haulage@site.example",
        "mail_to": ("ops@site.example",),
        "public_url": SITE,
    }


class Clock:
    """The time of the mailers, which a test moves. It begins with the database's."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    async def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
async def clock(services: Services) -> Clock:
    return Clock(await services.database.now())


@pytest.fixture
def mailer(services: Services, mail_settings: dict[str, Any], clock: Clock) -> Mailer:
    return Mailer(services.database, with_changes(services.settings, **mail_settings), SITE, clock)


async def raised(services: Services, count: int = 1, key: str = "dead:a", kind: NoticeKind = NoticeKind.DEAD) -> None:
    async with services.database.begin() as connection:
        await raise_notice(connection, *[Notice(kind=kind, key=key, message=f"About {key}.")] * count)


def listed(server: MailServer, number: int = -1) -> list[str]:
    """The first line of each notice in a mail."""
    return re.findall(r"^\[.*", server.mails[number].get_content(), re.MULTILINE)


async def test_the_first_notice_is_mailed_at_once_and_what_follows_in_one_mail(
    services: Services, server: MailServer, mailer: Mailer, clock: Clock
) -> None:
    await raised(services)
    assert await mailer.send_due()
    assert server.mails[0]["Subject"] == "Haulage at site.example: About dead:a."
    await raised(services, 3)
    await raised(services, 2, "dead:b")
    for _ in range(PAUSE // 10 - 1):
        clock.move(10)
        assert not await mailer.send_due()
    clock.move(10)
    assert await mailer.send_due()
    assert [line.split(",")[0] for line in listed(server)] == ["[dead] 3 more", "[dead] 2 times"]
    clock.move(PAUSE)
    assert not await mailer.send_due(), "nothing is new"
    assert len(server.mails) == 2


async def test_500_dead_jobs_are_one_notice_in_two_mails_at_most_and_a_message_each_to_their_owner(
    services: Services, server: MailServer, mailer: Mailer, clock: Clock
) -> None:
    await add_endpoint(
        services.database,
        owner="anonymous",
        url="https://hooks.example/",
        events=tuple(OF_JOBS),
        description="",
        created_by="test",
    )
    jobs = []
    for _ in range(50):
        jobs += await asyncio.gather(*(dead(services) for _ in range(10)))
        clock.move(5)
        await mailer.send_due()
    clock.move(PAUSE - 49 * 5)
    await mailer.send_due()
    [notice] = await list_notices(services.database, only_open=True, before=None, limit=10)
    assert notice.count == 500
    assert len(server.mails) == 2, "within five minutes"
    assert "490 more, 500 times in all" in listed(server)[0]
    rows = await services.database.fetch("SELECT event, job_id FROM webhook_messages")
    assert sorted((row["event"], row["job_id"]) for row in rows) == sorted(("job.failed", job.id) for job in jobs)


async def test_a_server_that_was_away_for_an_hour_gets_everything_once(
    services: Services, server: MailServer, mailer: Mailer, clock: Clock
) -> None:
    away_server = with_changes(
        services.settings,
        smtp_url="smtp://127.0.0.1:9",
        smtp_starttls="off",
        mail_from="haulage@site.example",
        mail_to=("ops@site.example",),
        public_url=SITE,
    )
    away = Mailer(services.database, away_server, SITE, clock)
    await raised(services, 2, "disk:a", NoticeKind.DISK)
    attempts, before = 0, clock.at
    while clock.at - before < timedelta(hours=1):
        reason = await find_failure(services.database)
        await away.send_due()
        attempts += await find_failure(services.database) != reason or reason is None
        await raised(services, 1)
        clock.move(15)
    [row] = await services.database.fetch("SELECT failures, reason FROM notice_mail")
    assert 10 <= row["failures"] <= 20, "it is tried every five minutes, and at first more often"
    condition = await away.failing()
    assert condition is not None
    assert (condition.kind, row["reason"] in condition.message) == (NoticeKind.MAIL_FAILED, True)
    async with services.database.begin() as connection:
        await close_condition(connection, "disk:a")
    clock.move(PAUSE)
    assert await mailer.send_due()
    first, second = listed(server)
    assert first.startswith("[disk] since ")
    assert second.startswith("[dead] 240 times")
    assert "It was over at " in server.mails[0].get_content(), "what ended meanwhile is not lost"
    assert await mailer.failing() is None
    clock.move(PAUSE)
    assert not await mailer.send_due()
    assert len(server.mails) == 1


async def test_a_mail_that_cannot_be_written_counts_as_failed_and_is_tried_later(
    services: Services, server: MailServer, mail_settings: dict[str, Any], clock: Clock
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    mailer = Mailer(services.database, settings, "https://\udcff.example", clock)
    await raised(services)
    for failures, delay in ((1, FIRST_RETRY), (2, 2 * FIRST_RETRY)):
        assert not await mailer.send_due()
        [row] = await services.database.fetch("SELECT failures, not_before, lease FROM notice_mail")
        assert tuple(row) == (failures, clock.at + timedelta(seconds=delay), None)
        clock.move(delay)
    condition = await mailer.failing()
    assert condition is not None
    assert "could not be written or sent (UnicodeEncodeError)." in condition.message
    assert server.mails == []


async def test_many_processes_send_one_mail(
    services: Services, server: MailServer, mail_settings: dict[str, Any], clock: Clock
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    mailers = [Mailer(services.database, settings, SITE, clock) for _ in range(5)]
    await raised(services, 7)
    sent = await asyncio.gather(*(one.send_due() for one in mailers))
    sent += await asyncio.gather(*(one.send_due() for one in mailers))
    assert sum(sent) == len(server.mails) == 1


async def test_a_process_that_was_killed_while_it_sent_is_replaced_after_its_lease(
    services: Services, server: MailServer, mail_settings: dict[str, Any]
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    environment = {name.upper(): str(value) for name, value in mail_settings.items()}
    environment["MAIL_TO"] = ",".join(settings.mail_to)
    await raised(services, 4)
    server.gate.clear()
    async with worker_process(services.settings, **environment) as process:
        await eventually(lambda: server.started == 1, patience=90)
        process.kill()
        await process.wait()
    server.mails.clear()
    server.gate.set()
    later = Clock(await services.database.now())
    other = Mailer(services.database, settings, SITE, later)
    assert not await other.send_due(), "it may still be sending"
    later.move(settings.smtp_timeout + RECORD_TIME)
    assert await other.send_due()
    assert "4 times" in listed(server)[0]
    assert not await other.send_due()


async def test_a_mail_that_is_being_sent_when_its_process_stops_is_sent_once(
    services: Services, server: MailServer, mail_settings: dict[str, Any], clock: Clock
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    await raised(services)
    server.gate.clear()

    async def run() -> None:
        async with mailing(services.database, settings, SITE):
            await eventually(lambda: server.started == 1)
            asyncio.get_running_loop().call_later(0.1, server.gate.set)

    await run()
    await server.until(1)
    clock.move(PAUSE * 10)
    assert not await Mailer(services.database, settings, SITE, clock).send_due()
    assert len(server.mails) == 1


async def test_a_mail_is_recorded_although_the_server_does_not_end_the_connection(
    services: Services, server: MailServer, mail_settings: dict[str, Any], clock: Clock
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    server.leaves_quit_open = True
    await raised(services)
    async with mailing(services.database, settings, SITE):
        await server.until(1)
    clock.move(PAUSE * 10)
    assert not await Mailer(services.database, settings, SITE, clock).send_due()
    assert len(server.mails) == 1


async def test_without_a_server_nothing_is_mailed(services: Services) -> None:
    async with mailing(services.database, services.settings, SITE) as conditions:
        assert conditions == []


async def test_what_was_over_before_mail_was_set_up_is_not_mailed(
    services: Services, server: MailServer, mailer: Mailer
) -> None:
    await raised(services, 1, "dead:old")
    [old] = await list_notices(services.database, only_open=True, before=None, limit=10)
    await acknowledge(services.database, old.id, "olga")
    await raised(services, 1, "dead:open")
    await gather_reports(services.database)
    assert await mailer.send_due()
    assert server.mails[0]["Subject"].endswith("About dead:open.")


async def test_what_was_acknowledged_before_it_was_mailed_says_so(
    services: Services, server: MailServer, mailer: Mailer
) -> None:
    await mailer.send_due()
    await raised(services)
    [one] = await list_notices(services.database, only_open=True, before=None, limit=10)
    await acknowledge(services.database, one.id, "olga")
    assert await mailer.send_due()
    assert "It was acknowledged by olga." in server.mails[0].get_content()


async def test_more_notices_than_a_mail_lists_follow_in_the_next(
    services: Services, server: MailServer, mailer: Mailer, clock: Clock
) -> None:
    async with services.database.begin() as connection:
        many = [Notice(kind=NoticeKind.DEAD, key=f"dead:{one}", message="It is dead.") for one in range(MAX_LISTED + 5)]
        await raise_notice(connection, *many)
    assert await mailer.send_due()
    assert len(listed(server)) == MAX_LISTED
    assert "5 more notices follow in the next mail." in server.mails[0].get_content()
    clock.move(PAUSE)
    assert await mailer.send_due()
    assert len(listed(server)) == 5


async def test_a_condition_that_lasts_is_mailed_once(
    services: Services, server: MailServer, mailer: Mailer, clock: Clock
) -> None:
    for _ in range(5):
        await raised(services, 1, "disk:a", NoticeKind.DISK)
        await mailer.send_due()
        clock.move(PAUSE)
    assert len(server.mails) == 1
    rows = await services.database.fetch("SELECT lease FROM notice_mail")
    assert rows[0]["lease"] is None, "a claim without anything to send is given back"


async def test_a_claim_is_of_one_process_until_it_has_expired(services: Services, clock: Clock) -> None:
    await raised(services)
    assert await claim_mail(services.database, clock.at, 60) is not None
    clock.move(59)
    assert await claim_mail(services.database, clock.at, 60) is None
    clock.move(1)
    assert await claim_mail(services.database, clock.at, 60) is not None


async def test_a_worker_and_a_gateway_without_one_send(
    services: Services, server: MailServer, mail_settings: dict[str, Any]
) -> None:
    settings = with_changes(services.settings, **mail_settings)
    await raised(services, 1, "dead:gateway")
    async with serving(settings):
        await server.until(1)
    await services.database.fetch("UPDATE notice_mail SET not_before = now()")
    await raised(services, 1, f"dead:{uuid4()}")
    async with working(settings):
        await server.until(2)
    assert [mail["Subject"].strip().partition("dead:")[0] for mail in server.mails] == [
        "Haulage at site.example: About "
    ] * 2


async def test_a_mail_is_recorded_when_the_database_is_back(
    template: str, services: Services, server: MailServer, mailer: Mailer
) -> None:
    name = services.settings.database_url.rpartition("/")[2]
    await raised(services)
    server.gate.clear()
    sending = asyncio.create_task(mailer.send_due())
    await eventually(lambda: server.started == 1)
    await execute(template, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await execute(template, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with structlog.testing.capture_logs() as logged:
        server.gate.set()
        await eventually(lambda: "mail_record_failed" in [line["event"] for line in logged])
    await execute(template, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert await sending
    assert not await mailer.send_due()
    assert len(server.mails) == 1
