"""Sign-in at an OpenID provider: a certified one from npm, and one of the tests' own that responds with anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr, ValidationError

from app.access.credentials import COOKIE
from app.access.key_sets import REFRESH_AFTER, STALE_LIMIT, Discovery, UnusableResponse, issuer_client
from app.access.oidc import MAX_EXCHANGES, OpenIdProvider, derived
from app.problems import IssuerUnavailable, SignInFailed
from jobs.access.users import list_users, save_user
from jobs.settings import Settings, TokenSettings
from tests.app.shared import Shared
from tests.helpers.issuers import DISCOVERY, Clock, Issuer, ec_key, running_issuer
from tests.helpers.openid_provider import CLIENT_SECRET, OpenIdServer, running_provider
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

SITE = "http://haulage.example"
CALLBACK = f"{SITE}/sign-in/oidc/callback"
BEGIN = "/sign-in/oidc"
SESSION = "/v1/access/session"


@pytest_asyncio.fixture
async def provider(tmp_path: Path) -> AsyncIterator[OpenIdServer]:
    async with running_provider(tmp_path, CALLBACK) as running:
        yield running


@pytest.fixture
def changes(provider: OpenIdServer) -> dict[str, Any]:
    return {
        "auth_mode": "required",
        "public_url": SITE,
        "oidc_issuer": provider.url,
        "oidc_client_id": "haulage",
        "oidc_client_secret": SecretStr(CLIENT_SECRET),
        "admin_groups": ("admins",),
    }


async def at_provider(url: str, user: str) -> str:
    """Follows the redirects of the provider, as a browser does; returns the one that leads back."""
    url += f"&login_hint={user}"
    async with httpx.AsyncClient(timeout=30) as browser:
        for _ in range(10):
            answer = await browser.get(url)
            assert answer.is_redirect, answer.text
            url = str(answer.url.join(answer.headers["location"]))
            if url.startswith(SITE):
                return url
    raise AssertionError(url)


async def sign_in(api: httpx.AsyncClient, user: str, begin: str = BEGIN) -> httpx.Response:
    """The response to the browser that comes back; its cookies are in `api`."""
    answer = await api.get(begin)
    assert answer.status_code == 303, answer.text
    back = urlsplit(await at_provider(answer.headers["location"], user))
    return await api.get(f"{back.path}?{back.query}")


async def test_a_user_signs_in(required: Shared, provider: OpenIdServer) -> None:
    assert (await required.api.get(SESSION)).json()["signIn"] == {"provider": "127.0.0.1", "proxy": False}
    begun = await required.api.get(BEGIN)
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert (query["code_challenge_method"], query["response_type"]) == (["S256"], ["code"])
    assert required.api.cookies["haulage_oidc"] not in begun.headers["location"]
    answer = await sign_in(required.api, "root", f"{BEGIN}?returnTo=/jobs/7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs/7")
    seen = (await required.api.get(SESSION)).json()
    owner = provider.url.removeprefix("http://") + "|root"
    assert (seen["user"], seen["role"], seen["proof"], seen["groups"]) == (owner, "admin", "session", ["admins"])
    assert "haulage_oidc" not in required.api.cookies
    [session] = (await required.api.get("/v1/access/sessions")).json()["sessions"]
    assert session["how"] == "oidc"
    assert (await required.api.delete(SESSION)).status_code == 204
    assert (await required.api.get(SESSION)).json()["user"] is None


async def test_groups_and_roles_are_those_of_the_last_sign_in(required: Shared, provider: OpenIdServer) -> None:
    owner = provider.url.removeprefix("http://") + "|alice"
    await save_user(required.services.database, owner, "admin", ["old"])
    assert (await sign_in(required.api, "alice")).status_code == 303
    [user] = await list_users(required.services.database)
    assert (user.name, user.role, sorted(user.groups)) == (owner, "user", ["staff"])


async def test_who_declines_sees_a_page(required: Shared) -> None:
    answer = await sign_in(required.api, "denied")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "declined" in answer.text
    assert 'href="/sign-in/oidc"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert COOKIE not in required.api.cookies
    answer = await sign_in(required.api, "denied", f"{BEGIN}?returnTo=/jobs/7")
    assert 'href="/sign-in/oidc?returnTo=/jobs/7"' in answer.text


async def test_a_code_is_used_once_and_by_its_browser(required: Shared) -> None:
    begun = await required.api.get(BEGIN)
    secret = required.api.cookies["haulage_oidc"]
    back = urlsplit(await at_provider(begun.headers["location"], "alice"))
    address = f"{back.path}?{back.query}"
    async with httpx.AsyncClient(base_url=required.api.base_url) as other:
        assert "another browser" in (await other.get(address)).text
        await other.get(BEGIN)
        assert "not the response" in (await other.get(address)).text
        assert COOKIE not in other.cookies
    assert (await required.api.get(address)).status_code == 303
    required.api.cookies.clear()
    required.api.cookies["haulage_oidc"] = secret
    again = await required.api.get(address)
    assert (again.status_code, COOKIE in required.api.cookies) == (400, False)
    assert "once" in again.text


@pytest.mark.parametrize(
    "target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "/a b", ""]
)
async def test_a_sign_in_leads_to_no_other_site(required: Shared, target: str) -> None:
    answer = await required.api.get(BEGIN, params={"returnTo": target})
    assert answer.headers["set-cookie"].partition(";")[0].partition(".")[2] == "%2F"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "code=x",
        "state=x",
        "code=x&state=x",
        "error=<script>&state=x",
        "state=%00",
        "state=ä",
        "code=x&state=x&iss=y",
    ],
)
async def test_a_forged_response_is_a_page_and_no_failure(required: Shared, query: str) -> None:
    await required.api.get(BEGIN)
    answer = await required.api.get(f"{BEGIN}/callback?{query}")
    assert answer.status_code == 400
    assert "Sign-in failed" in answer.text
    assert "<script>" not in answer.text


async def test_the_cookie_is_this_hosts_over_https(settings: Settings) -> None:
    async with (
        serving(with_changes(settings, public_url="https://haulage.example")) as url,
        httpx.AsyncClient() as client,
    ):
        cookie = (await client.get(url + BEGIN)).headers["set-cookie"]
    assert cookie.startswith("__Host-haulage_oidc=")
    assert {"secure", "httponly", "samesite=lax", "path=/", "max-age=600"} <= {
        part.strip().lower() for part in cookie.split(";")
    }


async def test_a_provider_that_is_away_is_a_page(required: Shared, provider: OpenIdServer) -> None:
    begun = await required.api.get(BEGIN)
    back = urlsplit(await at_provider(begun.headers["location"], "alice"))
    await asyncio.to_thread(provider.stop)
    answer = await required.api.get(f"{back.path}?{back.query}")
    assert answer.status_code == 503
    assert "unavailable" in answer.text


# --- a provider that responds with anything -----------------------------------------------------------------------------


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        endpoints = {"authorization_endpoint": f"{running.url}/authorize", "token_endpoint": f"{running.url}/token"}
        running.responses[DISCOVERY] = {"issuer": running.url, "jwks_uri": f"{running.url}/keys", **endpoints}
        yield running


@pytest_asyncio.fixture
async def openid(issuer: Issuer) -> AsyncIterator[OpenIdProvider]:
    made = OpenIdProvider(TokenSettings(oidc_issuer=issuer.url, oidc_client_id="haulage"), CALLBACK)
    yield made
    await made.close()


async def finished(openid: OpenIdProvider, issuer: Issuer, token: object) -> Any:
    """The result with this ID token."""
    issuer.responses["/token"] = {"access_token": "x", "token_type": "Bearer", "id_token": token}
    return await openid.finish("s", {"state": derived("s", "state"), "code": "c"})


@pytest.mark.servers
async def test_an_id_token_is_for_this_client_and_this_sign_in(openid: OpenIdProvider, issuer: Issuer) -> None:
    nonce = derived("s", "nonce")
    signed_in = await finished(openid, issuer, issuer.token(nonce=nonce))
    assert (signed_in.role, signed_in.groups) == (None, frozenset())
    wrong = [
        issuer.token(),
        issuer.token(nonce=derived("other", "nonce")),
        issuer.token(nonce=nonce, aud="other"),
        issuer.token(nonce=nonce, aud=["haulage", "other"], azp="other"),
        issuer.token(nonce=nonce, exp=1),
        issuer.token(nonce=nonce, iss="https://other.example"),
        issuer.token(ec_key("first"), nonce=nonce),
        "no token",
        None,
        7,
    ]
    for token in wrong:
        with pytest.raises(SignInFailed):
            await finished(openid, issuer, token)


@pytest.mark.servers
async def test_what_is_no_provider_is_unavailable(openid: OpenIdProvider, issuer: Issuer) -> None:
    issuer.responses["/token"] = ["no object"]
    with pytest.raises(IssuerUnavailable):
        await openid.finish("s", {"state": derived("s", "state"), "code": "c"})


@pytest.mark.servers
async def test_however_many_begin_the_provider_is_called_once(openid: OpenIdProvider, issuer: Issuer) -> None:
    issuer.gone = True
    results = await asyncio.gather(*(openid.authorization_url("s") for _ in range(20)), return_exceptions=True)
    results += await asyncio.gather(*(openid.authorization_url("s") for _ in range(20)), return_exceptions=True)
    assert {type(result) for result in results} == {IssuerUnavailable}
    assert issuer.requests[DISCOVERY] == 1


@pytest.mark.servers
async def test_discovery_is_cached_like_keys(issuer: Issuer) -> None:
    clock = Clock(1000)
    async with issuer_client(None) as client:
        discovery = Discovery(client, issuer.url, clock)
        for _ in range(20):
            assert await discovery.endpoint("token_endpoint") == f"{issuer.url}/token"
        assert issuer.requests[DISCOVERY] == 1
        clock.now += REFRESH_AFTER
        await discovery.endpoint("token_endpoint")
        assert issuer.requests[DISCOVERY] == 2
        issuer.gone = True
        clock.now += REFRESH_AFTER
        for _ in range(20):
            await discovery.endpoint("token_endpoint")
        assert issuer.requests[DISCOVERY] == 3, "the last document is used"
        clock.now += STALE_LIMIT
        with pytest.raises(UnusableResponse):
            await discovery.endpoint("token_endpoint")


@pytest.mark.servers
async def test_only_some_codes_are_exchanged_at_once(openid: OpenIdProvider, issuer: Issuer) -> None:
    issuer.responses["/token"] = {"error": "invalid_grant"}
    response = {"state": derived("s", "state"), "code": "c"}
    results = await asyncio.gather(*(openid.finish("s", response) for _ in range(60)), return_exceptions=True)
    assert {type(result) for result in results} == {SignInFailed, IssuerUnavailable}
    assert issuer.requests["/token"] == MAX_EXCHANGES
    with pytest.raises(SignInFailed):
        await openid.finish("s", response)
    with pytest.raises(SignInFailed, match="no code"):
        await openid.finish("s", {"state": derived("s", "state")})


def test_sign_in_needs_a_public_url() -> None:
    needed = {
        "database_url": "postgresql://haulage:hidden@127.0.0.1/haulage",
        "redis_url": "redis://127.0.0.1:6379/0",
        "s3_endpoint": "http://127.0.0.1:9000",
        "s3_access_key_id": "key",
        "s3_secret_access_key": "secret",
        "oidc_issuer": "https://id.example",
    }
    with pytest.raises(ValidationError, match="OIDC_CLIENT_ID"):
        Settings(**needed)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="PUBLIC_URL"):
        Settings(**needed, oidc_client_id="haulage")  # type: ignore[arg-type]
