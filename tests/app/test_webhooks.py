"""Webhooks over HTTP: from the request that creates one to what its receiver gets of a job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from jobs.services import Services
from jobs.webhooks.sender import Sender
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.receivers import Receiver, receiving

HOOKS = "/v1/webhooks"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"egress_allow": ("127.0.0.1",)}


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.mark.usefixtures("worker")
async def test_a_receiver_is_told_how_a_job_ended(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue, receiver: Receiver
) -> None:
    answer = await api.post(HOOKS, json={"url": receiver.url, "description": "orders"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["secret"].startswith("whsec_")
    assert made["publicKey"].startswith("whpk_")
    assert made["events"] == ["job.cancelled", "job.completed", "job.expired", "job.failed"]
    job = await create(services, await catalogue.add(b"x"))
    await receiver.until(1)
    [told] = receiver.received
    assert (told.json["type"], told.json["data"]["jobId"]) == ("job.completed", str(job.id))
    [listed] = (await api.get(HOOKS)).json()["webhooks"]
    assert listed == {name: value for name, value in made.items() if name not in {"secret", "publicKey"}}


async def test_what_was_sent_is_listed_by_pages_and_can_be_sent_again(
    api: httpx.AsyncClient, services: Services, receiver: Receiver
) -> None:
    hook = (await api.post(HOOKS, json={"url": receiver.url})).json()["id"]
    sender = Sender(services.database, services.egress)
    receiver.status, receiver.body = 200, b"thank you"
    for _ in range(3):
        assert (await api.post(f"{HOOKS}/{hook}/test")).status_code == 204
    while await sender.send_due():
        await sender.flush()
    first = (await api.get(f"{HOOKS}/{hook}/deliveries?limit=2")).json()
    last = (await api.get(f"{HOOKS}/{hook}/deliveries?limit=2&cursor={first['nextCursor']}")).json()
    assert last["nextCursor"] is None
    found = [*first["deliveries"], *last["deliveries"]]
    assert {one["messageId"] for one in found} == set(receiver.ids)
    assert {(one["state"], one["responseStatus"], one["detail"], one["event"]) for one in found} == {
        ("delivered", 200, "thank you", "webhook.test")
    }
    now = datetime.now(UTC)
    times = {"since": (now - timedelta(hours=1)).isoformat(), "until": now.isoformat()}
    assert (await api.post(f"{HOOKS}/{hook}/replay", json=times)).json() == {"messages": 0}
    assert (await api.post(f"{HOOKS}/{hook}/replay", json=times | {"onlyFailed": False})).json() == {"messages": 3}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 400, "url"),
        ({"url": "hooks.example"}, 422, "https://host/path"),
        ({"url": "ftp://hooks.example"}, 422, "https://host/path"),
        ({"url": "https://user:secret@8.8.8.8/"}, 422, "user name or a password"),
        ({"url": "http://8.8.8.8/"}, 422, "must start with https://"),
        ({"url": "https://10.0.0.1/"}, 422, "EGRESS_ALLOW"),
        ({"url": "https://169.254.169.254/latest"}, 422, "not public"),
        ({"url": "https://8.8.8.8/", "events": ["job.done"]}, 400, "events"),
        ({"url": "https://8.8.8.8/", "events": []}, 400, "events"),
        ({"url": "https://8.8.8.8/", "events": ["notice.opened"]}, 400, "job.completed"),
        ({"url": "https://8.8.8.8/", "operators": True, "events": ["job.failed"]}, 400, "notice.opened"),
    ],
)
async def test_a_webhook_that_could_not_be_sent_to_is_refused(
    api: httpx.AsyncClient, body: dict[str, Any], status: int, said: str
) -> None:
    answer = await api.post(HOOKS, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert "secret" not in answer.text
    assert (await api.get(HOOKS)).json() == {"webhooks": []}
