"""Every operation, socket and short way keeps to its rule, whoever calls, also when the answer is cached."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from app.access.principals import Principal, Role
from app.operations import OPERATIONS, Operation
from app.polls import PollMiddleware
from tests.app.access.matrix import Caller, callers, operation_violations, poll_violations, socket_violations
from tests.app.shared import Shared
from tests.helpers.access import UNLIMITED


@pytest.fixture
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"auth_mode": "required", "template_files": "users", **UNLIMITED, **getattr(request, "param", {})}


class ShortWay:
    """Notes whether a poll was answered from memory before it was routed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.was_used = False
        real = PollMiddleware._cached  # noqa: SLF001 - the short way is the point

        def watched(*args: Any) -> Any:
            found = real(*args)
            self.was_used |= found is not None
            return found

        monkeypatch.setattr(PollMiddleware, "_cached", watched)


async def violations_of(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, operations: Iterable[Operation], everybody: list[Caller]
) -> list[str]:
    short_way = ShortWay(monkeypatch)
    found = []
    for operation in operations:
        found += await operation_violations(shared, operation, everybody)
    found += await poll_violations(shared, everybody, lambda: short_way.was_used)
    return found + await socket_violations(shared, everybody)


@pytest.mark.timeout(300)  # some 900 requests, also on a busy machine
async def test_every_operation_keeps_to_its_rule(required: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    operations = [one for one in OPERATIONS if one.name != "signOut"]  # it would end the session of the matrix
    assert await violations_of(required, monkeypatch, operations, await callers(required)) == []


@pytest.mark.parametrize("changes", [{"anonymous": "read"}], indirect=True)
async def test_visitors_may_do_what_their_rules_say_and_nothing_else(
    required: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not those whose credential is no longer valid."""
    operations = [one for one in OPERATIONS if one.name != "signOut"]
    for_visitors = {one.name for one in operations if one.rule.visitors}
    assert for_visitors == {"files", "filesAlias", "readFile", "fileContent", "check"}
    few = [one for one in await callers(required) if one.role is None or one.name == "owner"]
    assert any(one.is_visitor for one in few)
    assert await violations_of(required, monkeypatch, operations, few) == []


async def test_the_matrix_fails_without_the_check_of_the_owner(
    required: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sabotage: what proves that the matrix would see a hole."""
    monkeypatch.setattr(Principal, "sees", lambda *_: True)
    monkeypatch.setattr(Principal, "acts_on", lambda *_: True)
    concerned = [
        one
        for one in OPERATIONS
        if (one.rule.job is not None and one.rule.role is Role.USER) or one.name == "streamMany"
    ]
    few = [one for one in await callers(required) if one.name in {"owner", "other"}]
    found = await violations_of(required, monkeypatch, concerned, few)
    holes = {violation.split(" as ")[0].removesuffix(" of many") for violation in found}
    assert ({one.name for one in concerned} | {"poll", "socket"}) - holes == set()
