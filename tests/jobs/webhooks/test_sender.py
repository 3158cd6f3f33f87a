"""Webhooks from the transition to the receiver: signatures, retries, and that one endpoint holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any, TypeVar

import pytest
from standardwebhooks.webhooks import Webhook

from jobs.concurrency import cancel_and_wait
from jobs.database import fetch_within
from jobs.egress.destinations import Address
from jobs.egress.guard import Egress
from jobs.engine.jobs import Failure, Status
from jobs.errors import ErrorClass, TooManyWebhooks, WebhookNotFound
from jobs.notices import Notice, NoticeKind, gather_reports, list_notices, raise_notice
from jobs.services import Services
from jobs.webhooks.deliveries import _CLAIM, AT_ONCE, Delivery, DeliveryState, claim_due, list_deliveries, replay
from jobs.webhooks.endpoints import (
    MAX_ENDPOINTS,
    Endpoint,
    add_endpoint,
    delete_endpoint,
    enable_endpoint,
    find_endpoint,
    list_endpoints,
    rotate_keys,
    send_test,
)
from jobs.webhooks.messages import OF_JOBS, EventName, NewMessage
from jobs.webhooks.outcomes import KEPT_TRYING, LONGEST_PAUSE, REFUSAL_DELAYS
from jobs.webhooks.recording import KEPT, add_messages, delete_old_messages
from jobs.webhooks.sender import LEASE, Sender
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, dead
from tests.helpers.receivers import Receiver, receiving

OWNER = "anonymous"
T = TypeVar("T")


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"egress_allow": ("127.0.0.1",)}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
def sender(services: Services) -> Sender:
    return Sender(services.database, services.egress)


async def endpoint_of(
    services: Services, url: str, owner: str | None = OWNER, events: Iterable[EventName] = OF_JOBS
) -> Endpoint:
    return await add_endpoint(
        services.database, owner=owner, url=url, events=tuple(events), description="", created_by="test"
    )


async def added(services: Services, count: int = 1, owner: str | None = OWNER) -> None:
    """Adds messages that no job has caused."""
    new = [
        NewMessage(event=EventName.JOB_COMPLETED, owner=owner, at=datetime.now(UTC), data={"number": number})
        for number in range(count)
    ]
    async with services.database.begin() as connection:
        await add_messages(connection, *new)


async def send(sender: Sender) -> None:
    """Sends what is due until nothing is."""
    while await sender.send_due():
        await sender.flush()


async def passed(services: Services, seconds: float) -> None:
    """Lets so much time pass for all that is waited for."""
    for statement in (
        "UPDATE webhook_endpoints SET not_before = not_before - make_interval(secs => $1)",
        "UPDATE webhook_endpoints SET old_until = old_until - make_interval(secs => $1)",
        "UPDATE webhook_deliveries SET next_at = next_at - make_interval(secs => $1)",
        "UPDATE webhook_deliveries SET replayed_at = replayed_at - make_interval(secs => $1)",
        "UPDATE webhook_messages SET created_at = created_at - make_interval(secs => $1)",
    ):
        await services.database.fetch(statement, seconds)


async def deliveries(services: Services, endpoint: Endpoint) -> list[Delivery]:
    return await list_deliveries(services.database, endpoint.id, None, 1_000)


async def test_the_end_of_a_job_is_told_with_its_transition(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    other = await endpoint_of(services, receiver.url + "/other", owner="other")
    job = await create(services, 1)
    await services.lifecycle.cancel(job.id)
    await send(sender)
    [one] = receiver.received
    assert one.json["type"] == "job.cancelled"
    assert one.json["data"] == {
        "jobId": str(job.id),
        "kind": "download",
        "owner": OWNER,
        "status": "cancelled",
        "attempt": 0,
        "createdAt": job.created_at.isoformat(),
        "files": {"total": 1, "done": 0, "omitted": 0},
        "bytes": 0,
        "error": None,
    }
    assert one.headers["content-type"] == "application/json"
    [delivery] = await deliveries(services, endpoint)
    assert (delivery.state, delivery.attempts, delivery.status) == (DeliveryState.DELIVERED, 1, 204)
    assert (delivery.message_id, delivery.job_id) == (one.id, job.id)
    assert await deliveries(services, other) == []


async def test_a_transition_that_is_undone_tells_nothing(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    await endpoint_of(services, receiver.url)
    job = await create(services, 1)
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker")
    assert claimed is not None

    async def within(*_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await services.lifecycle.succeed(claimed.job, 60, within)
    await send(sender)
    assert receiver.received == []
    await services.lifecycle.succeed(claimed.job, 60)
    await send(sender)
    assert [one.json["type"] for one in receiver.received] == ["job.completed"]


async def test_a_failed_attempt_is_not_told_and_the_last_one_is(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    await endpoint_of(services, receiver.url)
    job = await dead(services)
    await send(sender)
    [one] = receiver.received
    assert (one.json["type"], one.json["data"]["jobId"]) == ("job.failed", str(job.id))
    assert one.json["data"]["error"]["class"] in set(ErrorClass)


async def test_only_chosen_types_are_sent(services: Services, sender: Sender, receiver: Receiver) -> None:
    await endpoint_of(services, receiver.url, events=[EventName.JOB_FAILED])
    await services.lifecycle.cancel((await create(services, 1)).id)
    await send(sender)
    assert receiver.received == []


async def test_the_reference_library_verifies_what_is_sent(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    await added(services)
    await send(sender)
    [one] = receiver.received
    assert Webhook(endpoint.keys.secret_text).verify(one.body, one.headers) == one.json
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(endpoint.keys.secret_text).verify(one.body + b" ", one.headers)


async def test_rotated_keys_overlap_for_a_day(services: Services, sender: Sender, receiver: Receiver) -> None:
    before = await endpoint_of(services, receiver.url)
    after = await rotate_keys(services.database, before.id, [OWNER])
    assert before.keys != after.keys
    await added(services)
    await send(sender)
    [both] = receiver.received
    for keys in (before.keys, after.keys):
        Webhook(keys.secret_text).verify(both.body, both.headers)
    await passed(services, 25 * 3_600)
    await added(services)
    await send(sender)
    last = receiver.received[-1]
    Webhook(after.keys.secret_text).verify(last.body, last.headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(before.keys.secret_text).verify(last.body, last.headers)


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_receiver_that_was_away_for_an_hour_gets_all_once(
    services: Services, sender: Sender, receiver: Receiver, status: int
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = status
    await added(services, 50)
    away = 0.0
    while away < 3_600:
        await send(sender)
        pause = (await find_endpoint(services.database, endpoint.id, [OWNER])).not_before - datetime.now(UTC)
        assert 0 < pause.total_seconds() <= LONGEST_PAUSE
        away += pause.total_seconds()
        await passed(services, pause.total_seconds() + 0.1)
    probes = len(receiver.received)
    assert probes < AT_ONCE + 12, "while it is away it is tried by one request at a time"
    receiver.status = 204
    receiver.received.clear()
    await send(sender)
    assert len(receiver.ids) == len(set(receiver.ids)) == 50
    assert {one.state for one in await deliveries(services, endpoint)} == {DeliveryState.DELIVERED}


async def test_an_endpoint_that_never_returns_is_given_up_after_three_days(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 500
    await added(services)
    await send(sender)
    await passed(services, KEPT_TRYING.total_seconds() - 60)
    await send(sender)
    assert [one.state for one in await deliveries(services, endpoint)] == [DeliveryState.WAITING]
    await passed(services, 120)
    await send(sender)
    [given_up] = await deliveries(services, endpoint)
    assert (given_up.state, given_up.attempts, given_up.status) == (DeliveryState.FAILED, 3, 500)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_replayed_message_is_tried_for_three_days_again(
    services: Services, sender: Sender, receiver: Receiver, status: int
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    await added(services)
    await send(sender)
    await passed(services, 2 * KEPT_TRYING.total_seconds())
    receiver.status = status
    day = datetime.now(UTC) - 3 * KEPT_TRYING
    assert await replay(services.database, endpoint.id, day, datetime.now(UTC), only_failed=False) == 1
    for state in (DeliveryState.WAITING, DeliveryState.WAITING, DeliveryState.FAILED):
        await send(sender)
        await sender.clean_up()
        assert [one.state for one in await deliveries(services, endpoint)] == [state]
        await passed(services, KEPT_TRYING.total_seconds() / 2 + 1)


@pytest.mark.parametrize("status", [500, 410])
async def test_what_has_waited_for_three_days_is_given_up_without_being_tried(
    services: Services, sender: Sender, receiver: Receiver, status: int
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 500
    await added(services, 2)
    await send(sender)
    receiver.status = status
    await passed(services, 60)
    await send(sender)
    await added(services, 10)
    await passed(services, KEPT_TRYING.total_seconds() - 60)
    await sender.clean_up()
    states = [one.state for one in await deliveries(services, endpoint)]
    assert states == [DeliveryState.WAITING] * (10 if status == 500 else 0) + [DeliveryState.FAILED] * 2
    await passed(services, 60)
    await sender.clean_up()
    given_up = await deliveries(services, endpoint)
    assert {one.state for one in given_up} == {DeliveryState.FAILED}
    details = {one.detail for one in given_up if not one.attempts}
    assert details == ({"The webhook did not respond for three days, or was switched off."} if status == 500 else set())


async def test_a_refused_message_keeps_its_turns_beyond_three_days(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 404
    await added(services)
    await send(sender)
    await passed(services, KEPT_TRYING.total_seconds() + 1)
    await sender.clean_up()
    assert [one.state for one in await deliveries(services, endpoint)] == [DeliveryState.WAITING]


@pytest.mark.parametrize("status", [301, 400, 404])
async def test_a_refused_message_is_tried_alone_and_others_go_on(
    services: Services, sender: Sender, receiver: Receiver, status: int
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status, receiver.body = status, b"what is this?\0"
    receiver.headers = {"Location": receiver.url}
    await added(services)
    await send(sender)
    [refused] = await deliveries(services, endpoint)
    assert (refused.state, refused.status, refused.detail) == (DeliveryState.WAITING, status, "what is this?\ufffd")
    for delay in REFUSAL_DELAYS:
        await passed(services, delay - 2)
        await send(sender)
        assert (await deliveries(services, endpoint))[0].attempts == refused.attempts
        await passed(services, 2)
        await send(sender)
        [refused] = await deliveries(services, endpoint)
    assert (refused.state, refused.attempts) == (DeliveryState.FAILED, len(REFUSAL_DELAYS) + 1)
    receiver.status = 200
    await added(services)
    await send(sender)
    assert (await deliveries(services, endpoint))[0].state is DeliveryState.DELIVERED


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize(
    ("status", "state", "disabled"),
    [(200, DeliveryState.DELIVERED, False), (404, DeliveryState.WAITING, False), (410, DeliveryState.FAILED, True)],
)
async def test_the_status_counts_although_the_body_is_cut_off_or_does_not_end(
    services: Services,
    sender: Sender,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    ends: bool,
    status: int,
    state: DeliveryState,
    disabled: bool,
) -> None:
    if not ends:
        monkeypatch.setattr("jobs.webhooks.sender.TIMEOUT", 1.0)
        receiver.end.clear()
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status, receiver.body, receiver.missing = status, b"I have", 10
    await added(services)
    await send(sender)
    [one] = await deliveries(services, endpoint)
    assert (one.state, one.status, one.detail, one.attempts) == (state, status, "I have", 1)
    after = await find_endpoint(services.database, endpoint.id, [OWNER])
    assert (after.failures, after.disabled_at is not None) == (0, disabled)


async def test_410_switches_the_endpoint_off_until_it_is_enabled(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 410
    await added(services)
    await send(sender)
    gone = await find_endpoint(services.database, endpoint.id, [OWNER])
    assert gone.disabled_at is not None
    assert gone.disabled_reason == "It responded with 410 Gone."
    receiver.status = 204
    await added(services)
    await send(sender)
    assert len(receiver.received) == 1
    await enable_endpoint(services.database, endpoint.id, [OWNER])
    await added(services)
    await send(sender)
    assert len(receiver.received) == 2


@pytest.mark.parametrize(("value", "least"), [("4000", 3_990), ("999999999", 86_390)])
async def test_retry_after_is_honoured_for_a_day_at_most(
    services: Services, sender: Sender, receiver: Receiver, value: str, least: float
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status, receiver.headers = 503, {"Retry-After": value}
    await added(services)
    await send(sender)
    pause = (await find_endpoint(services.database, endpoint.id, [OWNER])).not_before - datetime.now(UTC)
    assert least < pause.total_seconds() <= 86_400


async def test_a_silent_endpoint_holds_up_no_other(services: Services, sender: Sender, receiver: Receiver) -> None:
    async with receiving() as silent:
        silent.gate.clear()
        await endpoint_of(services, silent.url)
        endpoint = await endpoint_of(services, receiver.url)
        await added(services, 20)
        running = asyncio.create_task(sender.run())
        await receiver.until(20)
        assert len(silent.received) == silent.most_at_once == AT_ONCE
        assert len(await deliveries(services, endpoint)) == 20
        await cancel_and_wait(running)


async def test_endpoints_with_a_backlog_are_claimed_in_any_order(services: Services, receiver: Receiver) -> None:
    count, claims = 10, 10
    for _ in range(count):
        await endpoint_of(services, receiver.url)
    await added(services, claims * AT_ONCE)
    claimed = []
    for _ in range(claims):
        due = await claim_due(services.database, (), AT_ONCE, LEASE)
        [endpoint_id] = {one.endpoint_id for one in due}
        assert len(due) == AT_ONCE
        claimed.append(endpoint_id)
    assert len(set(claimed)) > 1, "in a fixed order, the first one would have to be empty before any other"


async def test_an_endpoint_without_anything_due_takes_no_room(services: Services, receiver: Receiver) -> None:
    for _ in range(10):
        await endpoint_of(services, receiver.url, owner="other")
    endpoint = await endpoint_of(services, receiver.url)
    await added(services)
    [one] = await claim_due(services.database, (), 1, LEASE)
    assert one.endpoint_id == endpoint.id


async def test_a_failing_endpoint_is_probed_by_one_worker(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 500
    await added(services, 5)
    await send(sender)
    await passed(services, 60)
    async with services.database.begin() as connection:
        probes = await fetch_within(connection, _CLAIM, [], AT_ONCE, 32, timedelta(seconds=LEASE))
        assert [row["endpoint_id"] for row in probes] == [endpoint.id]
        assert await claim_due(services.database, (), 32, LEASE) == [], "the other worker has not committed yet"
    assert await claim_due(services.database, (), 32, LEASE) == []
    assert sum(one.attempts for one in await deliveries(services, endpoint)) == AT_ONCE + 1


async def test_many_workers_probe_many_failing_endpoints_once_each(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    for _ in range(10):
        await endpoint_of(services, receiver.url)
    receiver.status = 500
    await added(services, 10)
    await send(sender)
    await passed(services, 60)
    claims = await asyncio.gather(*(claim_due(services.database, (), 32, LEASE) for _ in range(20)))
    probed = [one.endpoint_id for due in claims for one in due]
    assert len(probed) == len(set(probed)) == 10


async def test_what_a_dead_sender_had_claimed_is_sent_again_by_another(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    await added(services)
    receiver.gate.clear()
    await sender.send_due()
    await receiver.until(1)
    for task in list(sender._sending):  # noqa: SLF001 - as if its process had been killed
        task.cancel()
    await sender.flush()
    receiver.gate.set()
    other = Sender(services.database, services.egress)
    assert await other.send_due() == 0
    await passed(services, LEASE)
    await send(other)
    assert receiver.ids[0] == receiver.ids[1], "the receiver can tell that it has it already"
    assert (await deliveries(services, endpoint))[0].attempts == 2


async def test_two_senders_send_nothing_twice(services: Services, receiver: Receiver) -> None:
    await endpoint_of(services, receiver.url)
    await added(services, 60)
    senders = [Sender(services.database, services.egress) for _ in range(3)]
    await asyncio.gather(*(send(one) for one in senders))
    await asyncio.gather(*(send(one) for one in senders))
    assert len(receiver.ids) == len(set(receiver.ids)) == 60


async def test_an_address_that_is_not_allowed_is_refused_when_it_is_sent(services: Services, sender: Sender) -> None:
    async with receiving() as receiver:
        endpoint = await endpoint_of(services, receiver.url.replace("127.0.0.1", "[::1]"))
        await added(services)
        await send(sender)
        [one] = await deliveries(services, endpoint)
        assert (one.state, one.status) == (DeliveryState.WAITING, None)
        assert "not public" in (one.detail or "")
        assert receiver.received == []


async def test_without_tls_nothing_is_sent_to_a_host_that_has_become_public(
    services: Services, receiver: Receiver
) -> None:
    async def resolve(_: str) -> list[Address]:
        return [ip_address("127.0.0.1"), ip_address("8.8.8.8")]

    endpoint = await endpoint_of(services, receiver.url.replace("127.0.0.1", "hooks.example"))
    await added(services)
    async with Egress(services.settings, resolve=resolve) as egress:
        await send(Sender(services.database, egress))
    [one] = await deliveries(services, endpoint)
    assert (one.state, one.status) == (DeliveryState.WAITING, None)
    assert "must start with https://" in (one.detail or "")
    assert receiver.received == []


async def test_a_test_message_goes_to_one_endpoint_whatever_it_has_chosen(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url, events=[EventName.JOB_FAILED])
    await endpoint_of(services, receiver.url)
    await send_test(services.database, endpoint.id, [OWNER])
    await send(sender)
    assert [one.json["type"] for one in receiver.received] == ["webhook.test"]
    assert receiver.received[0].json["data"] == {"endpointId": endpoint.id}


async def test_replay_sends_again_what_a_time_had(services: Services, sender: Sender, receiver: Receiver) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    receiver.status = 204
    await added(services, 3)
    await send(sender)
    await passed(services, 3_600)
    await added(services, 2)
    await send(sender)
    first = set(receiver.ids[:3])
    receiver.received.clear()
    now = datetime.now(UTC)
    hours = [now - timedelta(hours=number) for number in range(3)]
    database = services.database
    assert await replay(database, endpoint.id, hours[2], hours[0] - timedelta(minutes=30), only_failed=True) == 0
    assert await replay(database, endpoint.id, hours[2], hours[0] - timedelta(minutes=30), only_failed=False) == 3
    await send(sender)
    assert set(receiver.ids) == first


async def test_operators_are_told_of_a_notice_once(services: Services, sender: Sender, receiver: Receiver) -> None:
    await endpoint_of(services, receiver.url, owner=None, events=[EventName.NOTICE_OPENED])
    notice = Notice(kind=NoticeKind.DEAD, key="dead:x", message="Jobs are dead.")
    for _ in range(2):
        async with services.database.begin() as connection:
            await raise_notice(connection, *[notice] * 250)
        await gather_reports(services.database)
    await send(sender)
    [one] = receiver.received
    assert one.json["type"] == "notice.opened"
    assert one.json["data"] == {"kind": "dead", "message": "Jobs are dead.", "count": 250, "jobId": None}


async def while_deleting(services: Services, endpoint: Endpoint, concurrent: Awaitable[T]) -> T:
    """The result of what begins while a transaction has deleted the endpoint, and waits until that is committed."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    async def waits() -> bool:
        return bool((await services.database.fetch(waiting))[0]["count"])

    async with services.database.begin() as connection:
        await fetch_within(connection, "DELETE FROM webhook_endpoints WHERE id = $1", endpoint.id)
        task = asyncio.ensure_future(concurrent)
        await eventually(waits)
    return await task


async def test_a_job_ends_while_a_webhook_of_its_owner_is_deleted(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    deleted = await endpoint_of(services, receiver.url)
    kept = await endpoint_of(services, receiver.url)
    job = await create(services, 1)
    after = await while_deleting(services, deleted, services.lifecycle.cancel(job.id))
    assert after.status is Status.CANCELLED
    await send(sender)
    assert [one.json["data"]["jobId"] for one in receiver.received] == [str(job.id)]
    assert len(await deliveries(services, kept)) == 1


async def test_a_test_message_to_a_webhook_that_is_being_deleted_finds_none(
    services: Services, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    with pytest.raises(WebhookNotFound):
        await while_deleting(services, endpoint, send_test(services.database, endpoint.id, [OWNER]))
    assert await services.database.fetch("SELECT * FROM webhook_messages") == []


async def test_a_notice_is_opened_while_a_webhook_of_the_operators_is_deleted(
    services: Services, receiver: Receiver
) -> None:
    endpoint = await endpoint_of(services, receiver.url, owner=None, events=[EventName.NOTICE_OPENED])
    async with services.database.begin() as connection:
        await raise_notice(connection, Notice(kind=NoticeKind.DEAD, key="dead:x", message="Jobs are dead."))
    await while_deleting(services, endpoint, gather_reports(services.database))
    [notice] = await list_notices(services.database, only_open=True, before=None, limit=10)
    assert notice.key == "dead:x"
    assert await services.database.fetch("SELECT * FROM webhook_messages") == []


async def test_endpoints_belong_to_their_owner(services: Services) -> None:
    mine = await endpoint_of(services, "https://a.example/")
    theirs = await endpoint_of(services, "https://b.example/", owner="other")
    ours = await endpoint_of(services, "https://c.example/", owner=None, events=[EventName.NOTICE_OPENED])
    database = services.database
    assert [one.id for one in await list_endpoints(database, [OWNER])] == [mine.id]
    assert [one.id for one in await list_endpoints(database, [OWNER, None])] == [mine.id, ours.id]
    for attempt in (find_endpoint, delete_endpoint, rotate_keys, enable_endpoint, send_test):
        for other in (theirs, ours):
            with pytest.raises(WebhookNotFound):
                await attempt(database, other.id, [OWNER])
    await delete_endpoint(database, mine.id, [OWNER])
    assert await list_endpoints(database, [OWNER]) == []


async def test_an_owner_has_a_number_of_endpoints(services: Services) -> None:
    adding = (endpoint_of(services, f"https://{number}.example/") for number in range(MAX_ENDPOINTS + 5))
    outcomes = await asyncio.gather(*adding, return_exceptions=True)
    assert sum(isinstance(one, TooManyWebhooks) for one in outcomes) == 5
    await endpoint_of(services, "https://other.example/", owner="other")


async def test_messages_are_deleted_after_a_month(services: Services, sender: Sender, receiver: Receiver) -> None:
    endpoint = await endpoint_of(services, receiver.url)
    await added(services, 2)
    await send(sender)
    assert await delete_old_messages(services.database) == 0
    await passed(services, KEPT.total_seconds())
    assert await delete_old_messages(services.database) == 2
    assert await deliveries(services, endpoint) == []


async def test_a_job_of_an_owner_without_endpoints_leaves_no_message(services: Services) -> None:
    job = await create(services, 1)
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker")
    assert claimed is not None
    await services.lifecycle.fail(claimed.job, Failure(error_class=ErrorClass.VALIDATION, message="no"))
    assert await services.database.fetch("SELECT * FROM webhook_messages") == []


async def test_500_dead_jobs_are_500_messages_to_their_owner_and_one_to_operators(
    services: Services, sender: Sender, receiver: Receiver
) -> None:
    await endpoint_of(services, receiver.url)
    async with receiving() as operators:
        await endpoint_of(services, operators.url, owner=None, events=[EventName.NOTICE_OPENED])
        jobs = [job for _ in range(50) for job in await asyncio.gather(*(dead(services) for _ in range(10)))]
        await gather_reports(services.database)
        await send(sender)
        [notice] = operators.received
        assert (notice.json["data"]["kind"], notice.json["data"]["count"]) == ("dead", 500)
    told = [one.json["data"]["jobId"] for one in receiver.received if one.json["type"] == "job.failed"]
    assert sorted(told) == sorted(str(job.id) for job in jobs)
