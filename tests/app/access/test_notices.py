"""Notices are for support, operators and admins. Support does not acknowledge them."""

from __future__ import annotations

import pytest

from app.access.principals import Role
from jobs.notices import Notice, NoticeKind, raise_notice
from tests.app.shared import Shared
from tests.helpers.access import key_of

NOTICES = "/v1/notices"
DISK = Notice(kind=NoticeKind.DISK, key="disk", message="It is nearly full.")


@pytest.mark.parametrize("role", Role)
async def test_support_sees_them_and_operators_and_admins_acknowledge_them(required: Shared, role: Role) -> None:
    async with required.services.database.begin() as connection:
        await raise_notice(connection, DISK)
    headers = await key_of(required.services, "oskar", role)
    answer = await required.api.get(NOTICES, headers=headers)
    if not role.includes(Role.SUPPORT):
        assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
        assert "only support, operators and admins may" in answer.json()["message"]
        assert (await required.api.post(f"{NOTICES}/1/acknowledge", headers=headers)).status_code == 403
        return
    [one] = answer.json()["notices"]
    if not role.includes(Role.OPERATOR):
        refused = await required.api.post(f"{NOTICES}/{one['id']}/acknowledge", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (403, "forbidden")
        assert "only operators and admins may" in refused.json()["message"]
        return
    seen = await required.api.post(f"{NOTICES}/{one['id']}/acknowledge", headers=headers)
    assert seen.json()["acknowledgedBy"] == "oskar"
    assert seen.json()["closedAt"] is None, "it lasts"
    admin = await key_of(required.services, "anna", Role.ADMIN)
    [entry] = (await required.api.get("/v1/access/audit", headers=admin)).json()["entries"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("oskar", "acknowledgeNotice", str(one["id"]))
