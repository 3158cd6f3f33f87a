"""Verdicts are valid for half a minute at most, and never across a revocation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.access import verdicts
from app.access.credentials import CredentialKind, credential_of
from app.access.principals import ALL_SCOPES, Principal, Proof, Scope
from app.access.tickets import principal_from, ticket_of
from app.access.verdicts import TTL, Verdicts


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def principal(key: str = "1", expires_in: float | None = None) -> Principal:
    expires_at = None if expires_in is None else datetime.now(UTC) + timedelta(seconds=expires_in)
    return Principal(owner="olga", scopes=ALL_SCOPES, proof=Proof.KEY, proof_id=key, expires_at=expires_at)


def test_a_verdict_is_remembered_for_half_a_minute() -> None:
    clock = Clock()
    kept = Verdicts(clock)
    kept.put(b"a", principal(), kept.generation)
    clock.now += TTL - 0.1
    assert kept.get(b"a") is not None
    clock.now += 0.2
    assert kept.get(b"a") is None
    assert kept.was_valid(b"a"), "until it is verified again"
    kept.forget(b"a")
    assert not kept.was_valid(b"a")


def test_a_verdict_ends_with_its_credential() -> None:
    clock = Clock()
    kept = Verdicts(clock)
    kept.put(b"a", principal(expires_in=5), kept.generation)
    clock.now += 5.1
    assert kept.get(b"a") is None


def test_a_revocation_ends_the_verdicts_that_it_concerns() -> None:
    kept = Verdicts()
    for key in ("1", "2"):
        kept.put(key.encode(), principal(key), kept.generation)
    kept.discard({"key:1"})
    assert (kept.get(b"1"), kept.get(b"2") is not None) == (None, True)
    assert (kept.was_valid(b"1"), kept.was_valid(b"2")) == (False, True)
    kept.discard({"user:olga"})
    assert kept.get(b"2") is None


def test_a_verdict_that_was_being_made_during_a_revocation_is_not_remembered() -> None:
    kept = Verdicts()
    before = kept.generation
    kept.discard({"key:1"})
    kept.put(b"1", principal("1"), before)
    assert kept.get(b"1") is None


def test_the_number_of_verdicts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_VERDICTS", 2)
    kept = Verdicts()
    for key in (b"1", b"2", b"3"):
        kept.put(key, principal(), kept.generation)
    assert [kept.get(key) is not None for key in (b"1", b"2", b"3")] == [False, True, True]


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({}, None),
        ({b"authorization": b"Bearer abc"}, (CredentialKind.BEARER, b"abc")),
        ({b"authorization": b"bearer  abc "}, (CredentialKind.BEARER, b"abc")),
        ({b"authorization": b"Basic abc", b"cookie": b"haulage_session=x"}, (CredentialKind.SESSION, b"x")),
        ({b"authorization": b"Bearer abc", b"cookie": b"haulage_session=x"}, (CredentialKind.BEARER, b"abc")),
        ({b"cookie": b"a=b; haulage_session=x; c=d"}, (CredentialKind.SESSION, b"x")),
        ({b"cookie": b"__Host-haulage_session=y; haulage_session=x"}, (CredentialKind.SESSION, b"x")),
        ({b"cookie": b"nohaulage_session=x; other"}, None),
    ],
)
def test_a_credential_is_found_in_the_headers(
    headers: dict[bytes, bytes], found: tuple[CredentialKind, bytes] | None
) -> None:
    credential = credential_of(headers, secure=False)
    assert (None if credential is None else (credential.kind, credential.secret)) == found


def test_over_https_only_the_cookie_of_this_host_counts() -> None:
    """Another host of the site, or a page over HTTP, can set the plain name, and so sign the user in as somebody else."""
    assert credential_of({b"cookie": b"haulage_session=x"}, secure=True) is None
    found = credential_of({b"cookie": b"haulage_session=x; __Host-haulage_session=y"}, secure=True)
    assert found is not None
    assert found.secret == b"y"


def test_a_ticket_ends_with_the_credential_that_it_was_requested_with() -> None:
    holder = principal("7", expires_in=60)
    ticket = principal_from(ticket_of(holder, "t"))
    assert ticket.revocation_ids == {"ticket:t", "key:7", "user:olga"}
    assert (ticket.owner, ticket.expires_at, ticket.scopes) == ("olga", holder.expires_at, frozenset({Scope.JOBS_READ}))
