"""The keys of issuers: which are used, when they are read, and what an issuer that is away or wrong leads to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from joserfc.jwk import Key, OctKey, RSAKey

from app.access.key_sets import (
    FETCH_INTERVAL,
    FIRST_FETCH_INTERVAL,
    MAX_RESPONSE,
    REFRESH_AFTER,
    STALE_LIMIT,
    WAIT_AFTER,
    IssuerKeys,
    UnusableResponse,
    endpoint_of,
    find_key,
    issuer_client,
    signing_keys,
)
from app.problems import InvalidToken, IssuerUnavailable
from tests.helpers.issuers import DISCOVERY, JWKS, Clock, Issuer, ec_key, ed_key, rsa_key, running_issuer

servers = pytest.mark.servers


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with issuer_client(None) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000)


@pytest_asyncio.fixture
async def keys(client: httpx2.AsyncClient, issuer: Issuer, clock: Clock) -> AsyncIterator[IssuerKeys]:
    made = IssuerKeys(client, issuer.url, clock=clock)
    yield made
    await made.close()


async def read_in_background(keys: IssuerKeys) -> None:
    """Waits for the read that a request has started."""
    assert keys._reading is not None  # noqa: SLF001
    await keys._reading  # noqa: SLF001


# --- which keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Key size should be")
def test_only_public_keys_for_signatures_are_taken() -> None:
    weak = RSAKey.generate_key(1024, {"kid": "weak"})
    secret = OctKey.generate_key(256, {"kid": "secret"})
    good: list[Key] = [rsa_key("rsa"), ec_key("ec"), ed_key("ed")]
    operations: list[Any] = [["sign"], None, 7, {}, "verify"]
    document: dict[str, Any] = {
        "keys": [
            *(key.as_dict(private=False) for key in good),
            *({**ec_key("ops").as_dict(private=False), "key_ops": named} for named in operations),
            rsa_key("enc", use="enc").as_dict(private=False),
            {**rsa_key("ops").as_dict(private=False), "use": "sig", "key_ops": ["sign"]},
            weak.as_dict(private=False),
            secret.as_dict(private=True),
            {"kty": "EC", "crv": "secp256k1", "kid": "curve", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "P-256", "kid": "point", "x": "AA", "y": "AA"},
            {"kty": "RSA", "kid": 7, "n": "AQAB", "e": "AQAB"},
            {"kty": ["RSA"]},
            "no key",
        ]
    }
    assert [key.kid for key in signing_keys(document)] == ["rsa", "ec", "ed"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": None}, {"keys": {}}, "keys"])
def test_another_document_is_no_key_set(document: object) -> None:
    with pytest.raises(ValueError, match="no list"):
        signing_keys(document)


def test_a_key_fits_its_own_algorithms_only() -> None:
    declared = rsa_key("declared", alg="PS256")
    found = signing_keys({"keys": [key.as_dict(private=False) for key in (rsa_key("rsa"), ec_key("ec"), declared)]})
    fits = {
        (key.kid, algorithm)
        for key in found
        for algorithm in ("RS256", "PS256", "ES256", "ES384", "Ed25519", "HS256", "none")
        if find_key(found, key.kid, algorithm)
    }
    assert fits == {("rsa", "RS256"), ("rsa", "PS256"), ("ec", "ES256"), ("declared", "PS256")}


def test_without_kid_the_only_key_of_the_algorithm_is_meant() -> None:
    one, two = rsa_key("one").as_dict(private=False), rsa_key("two").as_dict(private=False)
    ec = ec_key("ec").as_dict(private=False)
    assert find_key(signing_keys({"keys": [one, ec]}), None, "RS256") is not None
    assert find_key(signing_keys({"keys": [one, two, ec]}), None, "RS256") is None


# --- when they are read -------------------------------------------------------------------------------------------------


@servers
async def test_a_hundred_tokens_at_once_lead_to_one_read(keys: IssuerKeys, issuer: Issuer) -> None:
    await asyncio.gather(*(keys.find("first", "ES256") for _ in range(100)))
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


@servers
async def test_unknown_keys_lead_to_one_read_in_30_seconds(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    await keys.find("first", "ES256")
    clock.now += FETCH_INTERVAL
    for start in range(0, 10_000, 1000):
        results = await asyncio.gather(
            *(keys.find(f"unknown-{start + one}", "ES256") for one in range(1000)), return_exceptions=True
        )
        assert all(isinstance(answer, InvalidToken) for answer in results)
        clock.now += 2.9
    assert issuer.requests[JWKS] == 2
    with pytest.raises(InvalidToken) as raised:
        await keys.find("unknown", "ES256")
    assert raised.value.retry_after == 1
    clock.now += 1
    with pytest.raises(InvalidToken) as raised:
        await keys.find("unknown", "ES256")
    assert raised.value.retry_after is None
    assert issuer.requests[JWKS] == 3
    assert await keys.find("first", "ES256"), "a known key is found all the while"


@servers
async def test_a_rotation_refuses_no_token(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    await keys.find("first", "ES256")
    clock.now += FETCH_INTERVAL
    issuer.keys.append(ec_key("second"))
    both = [keys.find(kid, "ES256") for _ in range(100) for kid in ("first", "second")]
    assert len(await asyncio.gather(*both)) == 200
    assert issuer.requests[JWKS] == 2


@servers
async def test_keys_are_refreshed_in_the_background(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    await keys.find("first", "ES256")
    issuer.keys = [ec_key("second")]
    clock.now += REFRESH_AFTER
    assert await keys.find("first", "ES256")
    await read_in_background(keys)
    assert await keys.find("second", "ES256")
    with pytest.raises(InvalidToken):
        await keys.find("first", "ES256")
    assert issuer.requests[JWKS] == 2


@servers
async def test_a_withdrawn_key_is_not_used_after_a_pause(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    await keys.find("first", "ES256")
    issuer.keys = [ec_key("second")]
    clock.now += WAIT_AFTER
    with pytest.raises(InvalidToken):
        await keys.find("first", "ES256")


# --- an issuer that is away, or wrong -----------------------------------------------------------------------------------


@servers
async def test_known_keys_are_used_while_the_issuer_is_away(keys: IssuerKeys, issuer: Issuer, clock: Clock) -> None:
    await keys.find("first", "ES256")
    issuer.gone = True
    for _ in range(60):
        clock.now += 60
        assert await keys.find("first", "ES256")
    with pytest.raises(InvalidToken):
        await keys.find("second", "ES256")
    clock.now = 1_000_000 + STALE_LIMIT - 1
    assert await keys.find("first", "ES256")
    clock.now += FETCH_INTERVAL
    with pytest.raises(IssuerUnavailable):
        await keys.find("first", "ES256")
    issuer.gone = False
    clock.now += FETCH_INTERVAL
    assert await keys.find("first", "ES256")


@servers
async def test_an_issuer_that_is_away_at_first_is_asked_again_soon(
    keys: IssuerKeys, issuer: Issuer, clock: Clock
) -> None:
    issuer.gone = True
    for _ in range(10):
        with pytest.raises(IssuerUnavailable):
            await keys.find("first", "ES256")
    assert issuer.requests == {DISCOVERY: 1}
    issuer.gone = False
    clock.now += FIRST_FETCH_INTERVAL
    assert await keys.find("first", "ES256")


@servers
@pytest.mark.parametrize(
    "responses",
    [
        {JWKS: "no keys"},
        {JWKS: {"keys": "none"}},
        {JWKS: {"keys": ["x" * MAX_RESPONSE]}},
        {DISCOVERY: {"issuer": "https://other.example", "jwks_uri": "https://other.example/keys"}},
        {DISCOVERY: {}},
        {DISCOVERY: ["issuer"]},
    ],
)
async def test_a_wrong_response_leaves_the_keys_as_they_are(
    keys: IssuerKeys, issuer: Issuer, clock: Clock, responses: dict[str, object]
) -> None:
    await keys.find("first", "ES256")
    issuer.responses = responses
    clock.now += WAIT_AFTER
    assert await keys.find("first", "ES256")


@servers
async def test_the_discovery_of_another_issuer_is_not_believed(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.responses[DISCOVERY] = {"issuer": "https://other.example", "jwks_uri": issuer.url + JWKS}
    with pytest.raises(IssuerUnavailable):
        await keys.find("first", "ES256")
    assert issuer.requests == {DISCOVERY: 1}


def test_endpoints_have_the_scheme_of_their_issuer_or_https() -> None:
    document = {"issuer": "https://id.example", "a": "https://other.example/", "b": "http://id.example/", "c": 7}
    assert endpoint_of(document, "a") == "https://other.example/"
    for name in ("b", "c", "d"):
        with pytest.raises(UnusableResponse):
            endpoint_of(document, name)


@servers
async def test_discovery_leads_to_no_other_scheme(keys: IssuerKeys, issuer: Issuer) -> None:
    issuer.responses[DISCOVERY] = {"issuer": issuer.url, "jwks_uri": "file:///etc/passwd"}
    with pytest.raises(IssuerUnavailable):
        await keys.find("first", "ES256")


@servers
async def test_the_clock_of_the_process(client: httpx2.AsyncClient, issuer: Issuer) -> None:
    assert await IssuerKeys(client, issuer.url).find("first", "ES256")


@servers
async def test_a_port_on_which_nobody_listens(client: httpx2.AsyncClient, clock: Clock) -> None:
    keys = IssuerKeys(client, "http://127.0.0.1:9", clock=clock)
    with pytest.raises(IssuerUnavailable):
        await keys.find("first", "ES256")


@servers
async def test_the_url_of_the_keys_can_be_given(client: httpx2.AsyncClient, issuer: Issuer, clock: Clock) -> None:
    keys = IssuerKeys(client, "https://id.example", issuer.url + JWKS, clock)
    assert await keys.find("first", "ES256")
    assert issuer.requests == {JWKS: 1}
