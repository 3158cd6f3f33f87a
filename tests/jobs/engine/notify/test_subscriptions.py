"""Live events by NOTIFY: in order, of followed jobs only, and through every loss of the connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from jobs.concurrency import cancel_and_wait
from jobs.database import Database
from jobs.engine.events import Event, FileView
from jobs.engine.jobs import FileState, Job
from jobs.engine.notify.listener import Listener
from jobs.engine.notify.notifications import EVENTS, MAX_PAYLOAD, notify
from jobs.engine.transport import Subscriptions
from jobs.services import Services
from tests.app.following.followers import live
from tests.helpers.eventually import PATIENCE
from tests.helpers.jobs import create
from tests.helpers.proxies import proxied
from tests.jobs.engine.notify.listeners import end_listeners


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"queue": "postgres"}


class Received:
    """What a gateway has received."""

    def __init__(self, services: Services) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.outdated: asyncio.Queue[UUID] = asyncio.Queue()
        self.announced = asyncio.Event()
        self.changes: asyncio.Queue[bool] = asyncio.Queue()
        self.subscriptions: Subscriptions = services.transport.subscriptions(
            lambda event, _: self.events.put_nowait(event),
            lambda: self.changes.put_nowait(self.subscriptions.connected),
            self.announced.set,
            self.outdated.put_nowait,
        )


@asynccontextmanager
async def receiving(services: Services) -> AsyncIterator[Received]:
    """A gateway's subscriptions, once they are connected."""
    received = Received(services)
    running = asyncio.create_task(received.subscriptions.run())
    try:
        async with asyncio.timeout(PATIENCE):
            assert await received.changes.get()
        yield received
    finally:
        await cancel_and_wait(running)


async def announced(services: Services) -> Job:
    """A new job whose own message has been sent: it can't come between those of a test."""
    job = await create(services, 10_000)
    await services.lifecycle.close()
    return job


async def publish(services: Services, *events: Event) -> None:
    for event in events:
        await services.feed.publish(event)
    await services.feed.flush()


def of_size(job: Job, tick: int, size: int) -> Event:
    """An event whose payload has exactly this many bytes."""
    view = FileView(index=0, file_id=10_000, name="", status=FileState.ACTIVE, bytes_done=0, size=None, error=None)
    empty = len(f"{job.id} {live(job, tick, files=[view]).model_dump_json()}")
    return live(job, tick, files=[view.model_copy(update={"name": "x" * (size - empty)})])


async def test_events_arrive_in_their_order_and_only_of_jobs_that_are_followed(services: Services) -> None:
    followed, other = await announced(services), await announced(services)
    async with asyncio.timeout(PATIENCE), receiving(services) as received:
        received.subscriptions.subscribe(followed.id)
        await publish(services, *(live(job, tick) for tick in range(1, 501) for job in (other, followed)))
        for tick in range(1, 501):
            event = await received.events.get()
            assert (event.job_id, event.tick) == (followed.id, tick)
        latest = await services.feed.latest([followed.id, other.id, uuid4()])
        assert latest is not None
        assert {job_id: Event.model_validate_json(body).tick for job_id, body in latest.items()} == {
            followed.id: 500,
            other.id: 500,
        }
        received.subscriptions.unsubscribe(followed.id)
        await publish(services, live(followed, 501))
        await services.feed.announce()
        await received.announced.wait()
        assert received.events.empty()


async def test_of_an_event_that_is_too_large_gateways_get_the_job_to_read(services: Services) -> None:
    """One that PostgreSQL does not have is not worth a read."""
    job = await announced(services)
    async with asyncio.timeout(PATIENCE), receiving(services) as received:
        received.subscriptions.subscribe(job.id)
        fits, too_large = of_size(job, 0, MAX_PAYLOAD), of_size(job, 0, MAX_PAYLOAD + 1)
        await publish(services, fits, of_size(job, 1, MAX_PAYLOAD + 1), too_large, live(job, 2))
        assert await received.events.get() == fits
        assert await received.outdated.get() == job.id
        assert (await received.events.get()).tick == 2
        assert received.outdated.empty()


async def test_names_of_every_script_arrive(services: Services) -> None:
    """The limit counts bytes, and a character has up to four."""
    job = await announced(services)
    view = FileView(
        index=0, file_id=10_000, name="貨" * 2600, status=FileState.ACTIVE, bytes_done=0, size=None, error=None
    )
    async with asyncio.timeout(PATIENCE), receiving(services) as received:
        received.subscriptions.subscribe(job.id)
        event = live(job, 0, files=[view.model_copy(update={"name": "Übersicht 貨物一覧 🚢\n'\"\\"})])
        await publish(services, event, live(job, 0, files=[view]))
        assert await received.events.get() == event
        assert await received.outdated.get() == job.id


async def test_a_lost_connection_is_replaced_and_shows_that_messages_may_be_missing(services: Services) -> None:
    job = await announced(services)
    async with asyncio.timeout(PATIENCE), receiving(services) as received:
        subscriptions = received.subscriptions
        subscriptions.subscribe(job.id)
        before = subscriptions.token(job.id)
        assert before is not None
        await publish(services, live(job, 1))
        await received.events.get()
        await end_listeners(services)
        assert not await received.changes.get()
        assert await services.feed.latest([job.id]) is None, "a status without live progress is degraded"
        assert subscriptions.token(job.id) is None
        assert await received.changes.get()
        assert subscriptions.token(job.id) not in (None, before)
        await publish(services, live(job, 2))
        assert (await received.events.get()).tick == 2


async def test_a_connection_that_has_become_silent_is_replaced(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a partition: nobody has closed it."""
    monkeypatch.setattr("jobs.engine.notify.listener.PING", 0.5)
    payloads: asyncio.Queue[str] = asyncio.Queue()
    states: asyncio.Queue[bool] = asyncio.Queue()
    async with asyncio.timeout(PATIENCE), proxied(services.settings.database_url) as proxy:
        database = Database.open(proxy.url, pool_size=2, timeout=10)
        listener = Listener(database, {EVENTS: payloads.put_nowait}, lambda: states.put_nowait(listener.is_listening))
        listening = asyncio.create_task(listener.run())
        assert await states.get()
        proxy.stall()
        assert not await states.get()
        await proxy.heal()
        assert await states.get()
        await notify(services.database, EVENTS, ["after it"])
        assert await payloads.get() == "after it"
        await cancel_and_wait(listening)
        await database.close()


async def test_what_is_no_event_is_logged_and_ignored(services: Services) -> None:
    job = await announced(services)
    with capture_logs() as logs:
        async with asyncio.timeout(PATIENCE), receiving(services) as received:
            received.subscriptions.subscribe(job.id)
            await notify(services.database, EVENTS, [f"{job.id} {{}}", "nonsense", ""])
            await publish(services, live(job, 1))
            assert (await received.events.get()).tick == 1
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == ["message_unreadable"]
