"""Webhooks belong to who has created them; those of notices belong to all operators."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from app.access.principals import Role
from jobs.access.users import purge
from jobs.webhooks.sender import Sender
from tests.app.shared import Shared
from tests.helpers.access import key_of

HOOKS = "/v1/webhooks"
PUBLIC = "https://8.8.8.8/"
"""A host to which nothing is sent: no worker runs."""


def somebody() -> str:
    return f"user-{uuid4().hex[:8]}"


@pytest.mark.parametrize("role", Role)
async def test_only_the_owner_sees_and_changes_a_webhook(required: Shared, role: Role) -> None:
    api, services = required.api, required.services
    mine, theirs = await key_of(services, somebody()), await key_of(services, somebody(), role)
    hook = (await api.post(HOOKS, json={"url": PUBLIC}, headers=mine)).json()["id"]
    one = f"{HOOKS}/{hook}"
    assert (await api.get(one, headers=mine)).status_code == 200
    for method, path in (
        ("GET", one),
        ("DELETE", one),
        ("POST", f"{one}/rotate"),
        ("POST", f"{one}/enable"),
        ("POST", f"{one}/test"),
        ("GET", f"{one}/deliveries"),
    ):
        assert (await api.request(method, path, headers=theirs)).status_code == 404, path
        assert (await api.request(method, path)).status_code == 401, path
    assert hook not in (await api.get(HOOKS, headers=theirs)).text
    assert (await api.delete(one, headers=mine)).status_code == 204


@pytest.mark.parametrize("role", Role)
async def test_operators_share_the_webhooks_of_notices(required: Shared, role: Role) -> None:
    api, services = required.api, required.services
    headers, admin = await key_of(services, somebody(), role), await key_of(services, somebody(), Role.ADMIN)
    answer = await api.post(HOOKS, json={"url": PUBLIC, "operators": True}, headers=headers)
    if not role.includes(Role.OPERATOR):
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
        return
    hook = answer.json()["id"]
    assert answer.json()["events"] == ["notice.opened"]
    assert hook in (await api.get(HOOKS, headers=admin)).text
    [entry] = (await api.get("/v1/access/audit?limit=1", headers=admin)).json()["entries"]
    assert (entry["action"], entry["subject"]) == ("createWebhook", hook)
    assert (await api.delete(f"{HOOKS}/{hook}", headers=admin)).status_code == 204


@pytest.mark.parametrize(("role", "detail"), [(Role.USER, None), (Role.OPERATOR, "inner page")])
async def test_what_a_receiver_responded_is_for_operators_only(
    required: Shared, role: Role, detail: str | None
) -> None:
    api, services = required.api, required.services
    headers = await key_of(services, somebody(), role)
    hook = (await api.post(HOOKS, json={"url": PUBLIC}, headers=headers)).json()["id"]
    await api.post(f"{HOOKS}/{hook}/test", headers=headers)

    async def listed() -> Any:
        [one] = (await api.get(f"{HOOKS}/{hook}/deliveries", headers=headers)).json()["deliveries"]
        return one["responseStatus"], one["detail"]

    await services.database.fetch("UPDATE webhook_deliveries SET status = 200, detail = 'inner page'")
    assert await listed() == (200, detail)
    await services.database.fetch("UPDATE webhook_deliveries SET status = NULL, detail = 'No connection.'")
    assert await listed() == (None, "No connection.")


async def test_the_webhooks_of_a_purged_user_are_gone(required: Shared) -> None:
    services, owner = required.services, somebody()
    hook = (await required.api.post(HOOKS, json={"url": PUBLIC}, headers=await key_of(services, owner))).json()["id"]
    await purge(services.database, owner)
    assert await services.database.fetch("SELECT * FROM webhook_endpoints WHERE id = $1", hook) == []
    assert await Sender(services.database, services.egress).send_due() == 0
