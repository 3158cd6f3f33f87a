"""Notices over HTTP: operators list and acknowledge them, and nobody else."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.notices import Notice, NoticeKind, gather_reports, raise_notice
from jobs.services import Services
from tests.helpers.jobs import dead

NOTICES = "/v1/notices"


async def raised(services: Services, *each: Notice) -> None:
    for notice in each:
        async with services.database.begin() as connection:
            await raise_notice(connection, notice)
        await gather_reports(services.database)


def condition(number: int = 0) -> Notice:
    return Notice(kind=NoticeKind.DISK, key=f"disk:{number}", message="It is nearly full.")


async def listed(api: httpx.AsyncClient, query: str = "", **options: Any) -> list[dict[str, Any]]:
    """The notices of all pages, by their `Link` headers."""
    found: list[dict[str, Any]] = []
    following: str | None = NOTICES + query
    while following:
        answer = await api.get(following, **options)
        assert answer.status_code == 200, answer.text
        found += answer.json()["notices"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["nextCursor"] is None) == (following is None)
    return found


async def test_dead_jobs_are_one_notice_until_it_is_acknowledged(api: httpx.AsyncClient, services: Services) -> None:
    assert (await api.get(NOTICES)).json() == {"notices": [], "nextCursor": None}
    await dead(services)
    job = await dead(services)
    [one] = await listed(api)
    assert (one["kind"], one["count"], one["jobId"]) == ("dead", 2, str(job.id))
    assert one["message"].endswith("attempt 3 went wrong")
    assert one["firstAt"] < one["lastAt"]
    assert {one[name] for name in ("acknowledgedAt", "acknowledgedBy", "closedAt")} == {None}
    answer = await api.post(f"{NOTICES}/{one['id']}/acknowledge")
    assert answer.status_code == 200
    seen = answer.json()
    assert seen == one | {name: seen[name] for name in ("acknowledgedAt", "acknowledgedBy", "closedAt")}
    assert seen["acknowledgedBy"] == "anonymous"
    assert (await api.post(f"{NOTICES}/{one['id']}/acknowledge")).json() == seen, "again, it changes nothing"
    assert (await listed(api), await listed(api, "?state=all")) == ([], [seen])
    await dead(services)
    assert [(other["count"], other["id"] > one["id"]) for other in await listed(api)] == [(1, True)]


async def test_notices_are_listed_by_pages_the_latest_first(api: httpx.AsyncClient, services: Services) -> None:
    await raised(services, *(condition(number) for number in range(5)))
    ids = [one["id"] for one in await listed(api)]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 5
    for limit in (1, 2, 5, 200):
        assert [one["id"] for one in await listed(api, f"?state=all&limit={limit}")] == ids
    assert (await api.get(NOTICES)).headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "?state=closed", 400, "must be one of open, all"),
        ("GET", "?limit=0", 400, "limit"),
        ("GET", "?cursor=x", 400, "cursor"),
        ("POST", "/4711/acknowledge", 404, "There is no notice 4711."),
        ("POST", "/x/acknowledge", 400, "must be the id of a notice"),
        ("POST", f"/{'9' * 19}/acknowledge", 400, "must be the id of a notice"),
    ],
)
async def test_requests_that_are_not_valid_are_refused(
    api: httpx.AsyncClient, method: str, path: str, status: int, said: str
) -> None:
    answer = await api.request(method, NOTICES + path)
    assert answer.status_code == status, answer.text
    assert said in answer.text
