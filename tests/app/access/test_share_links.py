"""Share links: one result for whoever has the link, until it expires, is used up or revoked."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from app.access.principals import Role, Scope
from app.access.share_passwords import MAX_WAITING, MAX_WAITING_FOR_LINK, SharePasswords
from app.problems import TooManyPasswords
from jobs.access.shares import MAX_FAILURES
from jobs.engine.jobs import Job
from tests.app.shared import Shared, link, problem
from tests.helpers.access import Headers, key_of

DATA = b"0123456789" * 1000


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required", "trusted_proxies": ("127.0.0.1",)}


@pytest_asyncio.fixture
async def olga(required: Shared) -> Headers:
    return await key_of(required.services, "olga")


@pytest_asyncio.fixture
async def job(required: Shared) -> Job:
    return await required.completed(DATA, of=await required.processing(owner="olga"))


async def shared_link(required: Shared, job: Job, olga: Headers, **wishes: Any) -> str:
    """The address of a new link."""
    answer = await required.api.post(link(job, "/shares"), headers=olga, json=wishes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["url"])


async def state(required: Shared, url: str, client: str = "198.51.100.1", method: str = "GET", **more: Any) -> int:
    """The status for a client at this address."""
    answer = await required.api.request(method, url, headers={"X-Forwarded-For": client}, **more)
    return answer.status_code


async def test_whoever_has_the_link_gets_the_result_and_nothing_else(required: Shared, job: Job, olga: Headers) -> None:
    url = await shared_link(required, job, olga)
    answer = await required.api.get(url)
    assert answer.status_code == 303
    async with httpx.AsyncClient() as store:
        assert (await store.get(answer.headers["location"])).content == DATA
    assert "share=" not in answer.headers["location"]
    query = urlsplit(url).query
    other = await required.completed(of=await required.processing(owner="olga"))
    problem(await required.api.get(link(other, f"/file?{query}")), 404, "share_not_found")
    for path in ("", "/download-url", "/history", "/shares"):
        problem(await required.api.get(link(job, f"{path}?{query}")), 401, "unauthenticated")
    for method in ("DELETE", "POST"):
        assert (await required.api.request(method, link(job, f"/bundle?{query}"))).status_code in {401, 405}
    problem(await required.api.get(link(job, "/file")), 401, "unauthenticated")


@pytest.mark.parametrize("secret", ["", "x", "A" * 43, "A" * 1000, "ä", "%00"])
async def test_another_secret_is_refused(required: Shared, job: Job, secret: str) -> None:
    problem(await required.api.get(link(job, f"/file?share={secret}")), 404, "share_not_found")


async def test_curl_resumes(required: Shared, job: Job, olga: Headers, tmp_path: Path) -> None:
    url = await shared_link(required, job, olga, maxUses=1)
    full = str(required.api.base_url).rstrip("/") + url
    file = tmp_path / "bundle.zip"
    file.write_bytes(DATA[:4321])
    command = ["curl", "-sS", "-f", "-L", "-C", "-", "-o", str(file), full]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert file.read_bytes() == DATA


async def test_a_head_goes_to_the_store_and_is_no_use(required: Shared, job: Job, olga: Headers) -> None:
    url = await shared_link(required, job, olga, maxUses=1)
    for client in ("198.51.100.1", "198.51.100.2"):
        answer = await required.api.head(url, headers={"X-Forwarded-For": client})
        async with httpx.AsyncClient() as store:
            assert (await store.head(answer.headers["location"])).headers["content-length"] == str(len(DATA))
    assert await state(required, url) == 303


async def test_uses_are_counted_by_address(required: Shared, job: Job, olga: Headers) -> None:
    url = await shared_link(required, job, olga, maxUses=2)
    assert [await state(required, url, f"198.51.100.{number}") for number in (1, 1, 2, 3, 1, 2)] == [
        303, 303, 303, 404, 303, 303,
    ]  # fmt: skip
    [listed] = (await required.api.get(link(job, "/shares"), headers=olga)).json()["shares"]
    assert (listed["uses"], listed["maxUses"], listed["createdBy"], listed["hasPassword"]) == (2, 2, "olga", False)


async def test_uses_at_the_same_time_are_counted_exactly(required: Shared, job: Job, olga: Headers) -> None:
    url = await shared_link(required, job, olga, maxUses=3)
    statuses = await asyncio.gather(*(state(required, url, f"198.51.100.{number}") for number in range(20)))
    assert sorted(statuses) == [303] * 3 + [404] * 17


async def test_a_revoked_and_an_expired_link_are_refused(required: Shared, job: Job, olga: Headers) -> None:
    first, second = [await shared_link(required, job, olga) for _ in range(2)]
    for one in (await required.api.get(link(job, "/shares"), headers=olga)).json()["shares"][1:]:
        assert (await required.api.delete(link(job, f"/shares/{one['id']}"), headers=olga)).status_code == 204
        problem(await required.api.delete(link(job, f"/shares/{one['id']}"), headers=olga), 404, "not_found")
    assert [await state(required, url) for url in (first, second)] == [404, 303]
    await required.services.database.fetch("UPDATE access_shares SET expires_at = now() - interval '1 second'")
    assert await state(required, second) == 404
    assert (await required.api.get(link(job, "/shares"), headers=olga)).json() == {"shares": []}


async def test_a_password(required: Shared, job: Job, olga: Headers) -> None:
    url = await shared_link(required, job, olga, password="pässword:1")
    answer = await required.api.get(url)
    problem(answer, 401, "password_required")
    assert answer.headers["www-authenticate"].startswith("Basic")
    assert await state(required, url, auth=("anybody", "pässword:1".encode().decode("utf-8"))) == 303
    kept = await required.services.database.fetch("SELECT password_hash, failures FROM access_shares")
    assert b"word" not in kept[0]["password_hash"]
    assert kept[0]["failures"] == 0
    for _ in range(MAX_FAILURES):
        assert await state(required, url, auth=("", "wrong")) == 401
    answer = await required.api.get(url, auth=("", "pässword:1"))
    problem(answer, 429, "too_many_passwords")
    assert answer.headers["retry-after"] == "60"
    await required.services.database.fetch("UPDATE access_shares SET failed_at = now() - interval '2 minutes'")
    assert await state(required, url, auth=("", "pässword:1")) == 303


async def test_passwords_at_the_same_time_are_limited_like_others(required: Shared, job: Job, olga: Headers) -> None:
    url, other = [await shared_link(required, job, olga, password="secret") for _ in range(2)]
    statuses = await asyncio.gather(*(state(required, url, auth=("", f"wrong{number}")) for number in range(60)))
    assert (statuses.count(401), statuses.count(429)) == (MAX_FAILURES, 60 - MAX_FAILURES)
    assert await state(required, url, auth=("", "secret")) == 429
    statuses = await asyncio.gather(*(state(required, other, auth=("", "secret")) for _ in range(MAX_FAILURES * 2)))
    assert set(statuses) == {303}, "right ones are no failures, however many are compared at the same time"


async def test_passwords_wait_in_a_bounded_queue_and_no_link_holds_up_another() -> None:
    passwords = SharePasswords()
    kept = await passwords.hash("secret")
    hashing = [asyncio.ensure_future(passwords.is_right("wrong", kept)) for _ in range(MAX_WAITING + 1)]
    async with passwords.turn_of("first"):
        waiting = [asyncio.ensure_future(_turn(passwords, "first")) for _ in range(MAX_WAITING_FOR_LINK)]
        await asyncio.sleep(0)  # all of them have begun
        await _turn(passwords, "second")
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(one) for one in ended if one] == [TooManyPasswords]
    with pytest.raises(TooManyPasswords):
        await hashing[-1]
    for one in hashing[:-1]:
        one.cancel()  # those that have not begun never do
    await asyncio.gather(*hashing, return_exceptions=True)
    assert await passwords.is_right("secret", kept)


async def _turn(passwords: SharePasswords, link_id: str) -> None:
    async with passwords.turn_of(link_id):
        pass


@pytest.mark.parametrize("credentials", ["Basic", "Basic !", "Basic OnBhc3M", "Bearer x", "Basic /////w=="])
async def test_another_credential_is_no_password(required: Shared, job: Job, olga: Headers, credentials: str) -> None:
    url = await shared_link(required, job, olga, password="secret")
    assert (await required.api.get(url, headers={"Authorization": credentials})).status_code == 401


async def test_who_may_share(required: Shared, job: Job) -> None:
    services = required.services
    reads = await key_of(services, "olga", scopes=[Scope.JOBS_READ, Scope.RESULTS_READ])
    writes = await key_of(services, "olga", scopes=[Scope.JOBS_READ, Scope.JOBS_WRITE])
    support = await key_of(services, "susi", Role.SUPPORT)
    otto = await key_of(services, "otto")
    for headers, status in ((reads, 403), (writes, 403), (support, 403), (otto, 404), ({}, 401)):
        assert (await required.api.post(link(job, "/shares"), headers=headers, json={})).status_code == status
    operator = await key_of(services, "oskar", Role.OPERATOR)
    assert await state(required, await shared_link(required, job, operator)) == 303


async def test_a_link_that_leads_to_no_result_yet_or_any_more_is_not_used(required: Shared, olga: Headers) -> None:
    held = await required.processing(owner="olga")
    url = await shared_link(required, held, olga, maxUses=1)
    for number in range(3):
        assert await state(required, url, f"198.51.100.{number}") == 409
    await required.completed(of=held)
    assert [await state(required, url, f"198.51.100.{number}") for number in (7, 8)] == [303, 404]
    other = await shared_link(required, held, olga, maxUses=1)
    assert (await required.api.delete(link(held, "/bundle"), headers=olga)).status_code == 204
    assert await state(required, other) == 410
    [listed] = (await required.api.get(link(held, "/shares"), headers=olga)).json()["shares"][:1]
    assert listed["uses"] == 0


@pytest.mark.parametrize(
    "body",
    [{"expiresIn": 1}, {"expiresIn": 10**9}, {"maxUses": 0}, {"password": ""}, {"password": "x" * 300}, {"uses": 1}],
)
async def test_links_have_bounds(required: Shared, job: Job, olga: Headers, body: dict[str, Any]) -> None:
    problem(await required.api.post(link(job, "/shares"), headers=olga, json=body), 400, "invalid_request")


async def test_links_go_with_their_job(required: Shared, job: Job, olga: Headers) -> None:
    await shared_link(required, job, olga)
    await required.services.database.fetch("DELETE FROM jobs WHERE id = $1", job.id)
    assert await required.services.database.fetch("SELECT id FROM access_shares") == []
