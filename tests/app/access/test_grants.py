"""Grants: what is in one, whose are accepted, and how often each can be used."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey
from pydantic import ValidationError

from app.access.bearer_tokens import GRANT_SCOPES, BearerTokens
from app.access.grant_issuers import REFRESH_AFTER, GrantIssuers
from app.access.grants import Grant
from app.access.principals import Proof, Role
from app.problems import Forbidden, InvalidToken
from app.request_bodies import FileSelection
from app.requests import check
from jobs.access import grants as sql
from jobs.access.grants import GrantUse, count_job
from jobs.bundles.downloads import OnMissing
from jobs.bundles.resolver import Missing, Source
from jobs.errors import DatabaseUnavailable, GrantExhausted
from jobs.services import Services
from jobs.settings import TokenSettings
from tests.helpers.issuers import Clock, Issuer, ec_key, encoded

FILES = {"files": [10_000, 10_001]}


def grant(**changes: Any) -> Grant:
    return Grant.model_validate({**FILES, **changes})


def selection(*file_ids: int, **wishes: Any) -> FileSelection:
    return check({"file_ids": list(file_ids), **wishes}, FileSelection)


def source(file_id: int, key: str, size: int) -> Source:
    common: dict[str, Any] = dict.fromkeys(Source.__dataclass_fields__)
    return Source(**{**common, "file_id": file_id, "key": key, "size": size})


# --- what a grant covers ------------------------------------------------------------------------------------------------


def test_a_grant_covers_its_files_and_no_others() -> None:
    assert grant().applied_to(selection(10_001)) == selection(10_001)
    with pytest.raises(Forbidden, match="does not cover these files: 10002"):
        grant().applied_to(selection(10_000, 10_002))
    with pytest.raises(Forbidden, match="and 990 more"):
        grant().applied_to(selection(*range(20_000, 21_000)))


@pytest.mark.parametrize("covers", [FILES, {"prefix": "exports/"}])
def test_no_grant_covers_urls(covers: dict[str, Any]) -> None:
    urls = check({"files": [{"url": "https://files.example/a", "name": "a"}]}, FileSelection)
    with pytest.raises(Forbidden, match="no URLs"):
        Grant.model_validate(covers).applied_to(urls)


def test_a_grant_limits_files_and_bytes() -> None:
    with pytest.raises(Forbidden, match="1 files in one job, not 2"):
        grant(maxFiles=1).applied_to(selection(10_000, 10_001))
    found: list[Source | Missing] = [
        source(10_000, "a", 60),
        source(10_001, "b", 40),
        Missing(file_id=10_002, name="c", reason=""),
    ]
    grant(maxBytes=100).check_files(found)
    with pytest.raises(Forbidden, match="99 bytes in one job, but these files have 100"):
        grant(maxBytes=99).check_files(found)


def test_a_prefix_is_that_of_the_key() -> None:
    by_prefix = Grant(prefix="tenant/a/")
    assert by_prefix.applied_to(selection(10_000)) == selection(10_000)
    by_prefix.check_files([source(10_000, "tenant/a/1", 1)])
    for key in ("tenant/ab/1", "tenant/a", "x/tenant/a/1", ""):
        with pytest.raises(Forbidden, match="10000"):
            by_prefix.check_files([source(10_000, key, 1)])
    with pytest.raises(Forbidden, match="10001"):
        by_prefix.check_files([Missing(file_id=10_001, name="", reason="")])


def test_a_grant_prescribes() -> None:
    prescribed = grant(onMissing="skip", archiveName="photos.zip")
    applied = prescribed.applied_to(selection(10_000))
    assert (applied.on_missing, applied.archive_name) == (OnMissing.SKIP, "photos.zip")
    assert prescribed.applied_to(selection(10_000, onMissing="skip", archiveName="photos.zip")) == applied
    with pytest.raises(Forbidden, match="onMissing: skip"):
        prescribed.applied_to(selection(10_000, onMissing="fail"))
    with pytest.raises(Forbidden, match=r"archiveName: photos\.zip"):
        prescribed.applied_to(selection(10_000, archiveName="other.zip"))


@pytest.mark.parametrize(
    "claim",
    [
        None,
        [],
        {},
        {"files": []},
        {"files": [1]},
        {"files": ["10000"]},
        {"files": [10_000], "prefix": "a/"},
        {"prefix": ""},
        {"files": [10_000], "jobs": 0},
        {"files": [10_000], "jobs": True},
        {"files": [10_000], "jobs": 2**31},
        {"files": [10_000], "maxFiles": 0},
        {"files": [10_000], "maxBytes": -1},
        {"files": [10_000], "onMissing": "explode"},
        {"files": [10_000], "max_jobs": 5},
        {"files": [*range(10_000, 11_001)]},
    ],
)
def test_a_grant_that_names_too_much_or_nothing(claim: object) -> None:
    with pytest.raises(ValidationError):
        Grant.model_validate(claim)


# --- whose grants are accepted ------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(1000)


@pytest.fixture
def app_key() -> ECKey:
    """That of an app, which `portal` is registered with."""
    return ec_key("k1")


@pytest_asyncio.fixture
async def tokens(services: Services, clock: Clock, app_key: ECKey) -> AsyncIterator[BearerTokens]:
    await sql.add_key(services.database, "k1", "portal", app_key.as_dict(private=False))
    yield BearerTokens(TokenSettings(), GrantIssuers(services.database, ["haulage"], clock))


def signed_grant(key: ECKey, claim: object = None, header: dict[str, Any] | None = None, **changes: Any) -> str:
    return Issuer("portal").token(key, header, grant=claim or FILES, **changes)


async def refusal(tokens: BearerTokens, token: str) -> str:
    with pytest.raises(InvalidToken) as raised:
        await tokens.principal(token)
    return raised.value.message


async def test_a_grant_becomes_a_principal(tokens: BearerTokens, app_key: ECKey) -> None:
    principal = await tokens.principal(signed_grant(app_key, {**FILES, "jobs": 3}, jti="g1", groups=["admin"]))
    assert (principal.owner, principal.role, principal.groups) == ("app:portal|alice", Role.USER, frozenset())
    assert (principal.proof, principal.proof_id, principal.scopes) == (Proof.GRANT, "g1", GRANT_SCOPES)
    assert (principal.grant, principal.issuer) == (grant(jobs=3), "portal")
    assert "grant_key:k1" in principal.revocation_ids


async def test_another_signature_of_the_same_grant_is_the_same_grant(tokens: BearerTokens, app_key: ECKey) -> None:
    first = signed_grant(app_key, {**FILES})
    signed, _, signature = first.rpartition(".")
    both = urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256
    second = f"{signed}.{encoded(both[:32] + (order - int.from_bytes(both[32:])).to_bytes(32))}"
    assert first != second
    assert (await tokens.principal(first)).proof_id == (await tokens.principal(second)).proof_id


async def test_only_grants_of_registered_keys(tokens: BearerTokens, app_key: ECKey) -> None:
    assert "signature" in await refusal(tokens, signed_grant(ec_key("k1")))
    assert "not registered" in await refusal(tokens, signed_grant(ec_key("k2")))
    assert "not trusted" in await refusal(tokens, signed_grant(app_key, iss="other"))
    assert "kid" in await refusal(tokens, signed_grant(app_key, header={"kid": None}))
    assert "audience" in await refusal(tokens, signed_grant(app_key, aud="other"))
    assert "expired" in await refusal(tokens, signed_grant(app_key, exp=1))
    assert "grant.files" in await refusal(tokens, signed_grant(app_key, {"files": [1]}))
    head, _, signature = signed_grant(app_key).split(".")
    wider = {**Issuer("portal").claims(), "grant": {"prefix": "/"}}
    assert "signature" in await refusal(tokens, f"{head}.{encoded(wider)}.{signature}")


async def test_an_app_signs_grants_and_no_access_tokens(tokens: BearerTokens, app_key: ECKey) -> None:
    assert "grant" in await refusal(tokens, Issuer("portal").token(app_key, scope="access:manage"))


async def test_a_revoked_key_is_refused(tokens: BearerTokens, services: Services, app_key: ECKey, clock: Clock) -> None:
    other = ec_key("k2")
    await sql.add_key(services.database, "k2", "portal", other.as_dict(private=False))
    assert await tokens.principal(signed_grant(other))
    assert await sql.revoke_key(services.database, "k1")
    assert not await sql.revoke_key(services.database, "k1")
    clock.now += REFRESH_AFTER
    assert "revoked" in await refusal(tokens, signed_grant(app_key))
    assert await tokens.principal(signed_grant(other))
    revoked = [key.revoked_at is not None for key in await sql.list_keys(services.database)]
    assert revoked == [True, False]


async def test_unknown_apps_lead_to_one_query_in_two_seconds(
    tokens: BearerTokens, app_key: ECKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = []
    original = sql.list_keys

    async def counted(database: Any) -> Any:
        queries.append(database)
        return await original(database)

    monkeypatch.setattr("app.access.grant_issuers.list_keys", counted)
    unknown = [signed_grant(app_key, iss=f"app-{number}") for number in range(200)]
    results = await asyncio.gather(*map(tokens.principal, unknown), return_exceptions=True)
    assert all(isinstance(result, InvalidToken) for result in results)
    assert len(queries) == 1


async def test_tokens_wait_for_one_failing_query_and_not_for_one_each(
    tokens: BearerTokens, app_key: ECKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, failed = [], asyncio.Event()

    async def failing(database: Any) -> Any:
        queries.append(database)
        await failed.wait()
        raise DatabaseUnavailable("down")

    monkeypatch.setattr("app.access.grant_issuers.list_keys", failing)
    waiting = [asyncio.ensure_future(tokens.principal(signed_grant(app_key, sub=f"u{number}"))) for number in range(50)]
    await asyncio.sleep(0)
    failed.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(result) for result in results} == {DatabaseUnavailable}
    assert len(queries) == 1
    monkeypatch.undo()
    assert await tokens.principal(signed_grant(app_key)), "the next one reads them again"


# --- how often it can be used -------------------------------------------------------------------------------------------


async def test_a_hundred_requests_at_once_are_counted_exactly(services: Services) -> None:
    use = GrantUse("portal", "g1", 5, datetime.now(UTC) + timedelta(hours=1))

    async def once() -> None:
        async with services.database.begin() as connection:
            await count_job(connection, use)

    results = await asyncio.gather(*(once() for _ in range(100)), return_exceptions=True)
    assert results.count(None) == 5
    assert sum(isinstance(result, GrantExhausted) for result in results) == 95


async def test_a_job_that_was_not_created_is_not_counted(services: Services) -> None:
    use = GrantUse("portal", "g1", 1, datetime.now(UTC) + timedelta(hours=1))

    async def fail() -> None:
        async with services.database.begin() as connection:
            await count_job(connection, use)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with services.database.begin() as connection:
        await count_job(connection, use)


async def test_rows_of_expired_grants_are_deleted(services: Services) -> None:
    now = datetime.now(UTC)
    async with services.database.begin() as connection:
        await count_job(connection, GrantUse("portal", "old", 1, now - timedelta(hours=2)))
        await count_job(connection, GrantUse("portal", "new", 1, now + timedelta(hours=1)))
    rows = await services.database.fetch("SELECT token_id FROM access_grant_uses")
    assert [row["token_id"] for row in rows] == ["new"]
