"""Users whom a reverse proxy names in headers: believed from the real nginx with its secret, and from nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from jobs.settings import Settings
from tests.app.shared import Shared, link, problem
from tests.helpers.access import session_of
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving
from tests.helpers.settings import with_changes
from tests.helpers.signing_in_nginx import SECRET, SigningInNginx

SESSION = "/v1/access/session"
HEADERS: dict[str, Any] = {
    "auth_mode": "required",
    "auth_proxy_user": "Remote-User",
    "auth_proxy_groups": "Remote-Groups",
    "auth_proxy_secret": SECRET,
    "trusted_proxies": ("127.0.0.1",),
    "admin_groups": ("admins",),
}


@pytest.fixture
def changes() -> dict[str, Any]:
    return HEADERS


@pytest.fixture
def nginx(tmp_path: Path) -> SigningInNginx:
    return SigningInNginx(tmp_path)


async def user(client: httpx.AsyncClient, url: str = SESSION, **headers: str) -> tuple[Any, Any]:
    """Who the gateway says that the caller is, and the role."""
    answer = (await client.get(url, headers={name.replace("_", "-"): value for name, value in headers.items()})).json()
    return answer.get("user"), answer.get("role")


async def test_nginx_signs_users_in(required: Shared, nginx: SigningInNginx) -> None:
    mine, other = await required.processing(owner="anna"), await required.processing(owner="otto")
    async with in_front(nginx, str(required.api.base_url).rstrip("/")) as url, httpx.AsyncClient() as client:
        assert (await client.get(url + "/v1/download/jobs")).status_code == 401
        anna = httpx.BasicAuth("anna", "any")
        seen = await client.get(url + SESSION, auth=anna)
        assert (seen.json()["user"], seen.json()["role"], seen.json()["proof"]) == ("anna", "user", "proxy")
        assert seen.json()["groups"] == ["anna", "staff"]
        assert (await client.get(url + link(mine), auth=anna)).status_code == 200
        assert (await client.get(url + link(other), auth=anna)).status_code == 404
        forged = {"Remote-User": "otto", "Remote-Groups": "admins", "X-Auth-Proxy-Secret": "x"}
        assert (await client.get(url + SESSION, auth=anna, headers=forged)).json()["user"] == "anna"
        assert seen.json()["signIn"] == {"provider": None, "proxy": True}
        created = (await client.post(f"{url}/v1/access/keys", json={"name": "backup"}, auth=anna)).json()
        listed = (await client.get(f"{url}/v1/access/keys", auth=anna)).json()["keys"]
        assert [one["id"] for one in listed] == [created["id"]]
        key = {"Authorization": f"Bearer {created['key']}"}
        assert (await required.api.get(link(mine), headers=key)).status_code == 200
        admin = await client.get(url + SESSION, auth=httpx.BasicAuth("admins", "any"))
        assert admin.json()["role"] == "admin"
        evil = {"Sec-Fetch-Site": "cross-site"}
        assert (await client.delete(url + link(mine), auth=anna, headers=evil)).status_code == 403
        assert (await client.delete(url + link(mine), auth=anna)).status_code == 200


async def test_only_the_secret_makes_a_header_count(required: Shared) -> None:
    api = required.api
    assert await user(api, Remote_User="anna", X_Auth_Proxy_Secret=SECRET) == ("anna", "user")
    assert await user(api, Remote_User="anna", Remote_Groups="x|admins", X_Auth_Proxy_Secret=SECRET) == (
        "anna",
        "admin",
    )
    for secret in ("", "x", SECRET[:-1], SECRET + "x", SECRET.upper()):
        assert await user(api, Remote_User="anna", X_Auth_Proxy_Secret=secret) == (None, None)
    assert await user(api, Remote_User="anna") == (None, None)
    for name in ("", "id.example|7", "a" * 300):
        assert await user(api, Remote_User=name, X_Auth_Proxy_Secret=SECRET) == (None, None)


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        (b"anonymous", b"a"),
        (b"purged", b"a"),
        (b"id.example|7", b"a"),
        (b"J\xf6rg", b"a"),
        (b"a\xc2\xadb", b"a"),
        (b"anna", b"caf\xe9"),
        (b"a" * 256, b"a"),
    ],
)
async def test_another_name_is_refused_and_no_cookie_does_instead(required: Shared, name: bytes, groups: bytes) -> None:
    session = await session_of(required.services, "olga")
    sent = [(b"Remote-User", name), (b"Remote-Groups", groups), (b"X-Auth-Proxy-Secret", SECRET.encode())]
    sent += [(header.encode(), value.encode()) for header, value in session.items()]
    job = await required.processing(owner="olga")
    for path in ("/v1/download/jobs", link(job), link(job)):
        problem(await required.api.get(path, headers=sent), 401, "unauthenticated")


async def test_names_are_utf_8(required: Shared) -> None:
    sent = [(b"Remote-User", "Jörg".encode()), (b"X-Auth-Proxy-Secret", SECRET.encode())]
    assert (await required.api.get(SESSION, headers=sent)).json()["user"] == "Jörg"


async def test_a_header_that_comes_twice_is_the_clients(required: Shared) -> None:
    for twice in (("Remote-User", "otto"), ("X-Auth-Proxy-Secret", SECRET), ("Remote-Groups", "admins")):
        sent = [("Remote-User", "anna"), ("Remote-Groups", "a"), ("X-Auth-Proxy-Secret", SECRET), twice]
        answer = await required.api.get(SESSION, headers=sent)
        assert answer.json()["user"] is None


async def test_another_address_is_not_believed(required: Shared, settings: Settings) -> None:
    async with serving(with_changes(settings, trusted_proxies=("198.51.100.1",))) as url:
        forwarded = {"X_Forwarded_For": "198.51.100.1"}
        seen = await user(required.api, url + SESSION, Remote_User="anna", X_Auth_Proxy_Secret=SECRET, **forwarded)
        assert seen == (None, None)


async def test_without_the_setting_no_header_counts(required: Shared, settings: Settings) -> None:
    plain = with_changes(settings, auth_proxy_user=None, auth_proxy_groups=None, auth_proxy_secret=None)
    async with serving(plain) as url:
        assert await user(required.api, url + SESSION, Remote_User="anna", X_Auth_Proxy_Secret=SECRET) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"trusted_proxies": ()}, "TRUSTED_PROXIES"),
        ({"trusted_proxies": ("*",)}, "TRUSTED_PROXIES"),
        ({"auth_proxy_secret": None}, "AUTH_PROXY_SECRET"),
        ({"auth_proxy_secret": "short"}, "32"),
        ({"auth_proxy_user": "Remote User"}, "auth_proxy_user"),
    ],
)
def test_headers_of_nobody_in_particular_are_refused_at_start(wrong: dict[str, Any], why: str) -> None:
    needed = {
        "database_url": "postgresql://haulage:hidden@127.0.0.1/haulage",
        "redis_url": "redis://127.0.0.1:6379/0",
        "s3_endpoint": "http://127.0.0.1:9000",
        "s3_access_key_id": "key",
        "s3_secret_access_key": "secret",
    }
    with pytest.raises(ValidationError, match=why):
        Settings(**{**needed, **HEADERS, **wrong})
