"""Signatures of Standard Webhooks 1.0, as a receiver verifies them; and what an attempt means for what is sent next."""

from __future__ import annotations

from base64 import b64decode
from itertools import pairwise

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from jobs.egress.retry_after import retry_after
from jobs.webhooks.outcomes import KEPT_TRYING, LONGEST_PAUSE, REFUSAL_DELAYS, Attempt, Outcome, pause, retry_delay
from jobs.webhooks.signatures import KEY_SIZE, SigningKeys, signature_headers

KEYS = SigningKeys(bytes(range(KEY_SIZE)), bytes(range(KEY_SIZE, 2 * KEY_SIZE)))


def test_a_known_message_has_the_signature_of_the_standard() -> None:
    """The example of the specification, section "Signature scheme" of its reference libraries."""
    keys = SigningKeys(b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), KEYS.private_key)
    headers = signature_headers([keys], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"].split()[0] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-id"] == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    assert headers["webhook-timestamp"] == "1614265330"


def test_the_asymmetric_signature_is_verified_with_the_public_key_alone() -> None:
    signature = signature_headers([KEYS], "msg_1", 1, b"{}")["webhook-signature"].split()[1]
    version, _, encoded = signature.partition(",")
    public = Ed25519PublicKey.from_public_bytes(b64decode(KEYS.public_key_text.removeprefix("whpk_")))
    assert version == "v1a"
    public.verify(b64decode(encoded), b"msg_1.1.{}")
    with pytest.raises(InvalidSignature):
        public.verify(b64decode(encoded), b"msg_1.2.{}")


def test_each_key_signs() -> None:
    other = SigningKeys(KEYS.private_key, KEYS.secret)
    both = signature_headers([KEYS, other], "msg_1", 1, b"{}")["webhook-signature"].split()
    assert len(both) == len(set(both)) == 4
    assert both[:2] == signature_headers([KEYS], "msg_1", 1, b"{}")["webhook-signature"].split()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (299, Outcome.DELIVERED),
        (301, Outcome.REFUSED),
        (308, Outcome.REFUSED),
        (400, Outcome.REFUSED),
        (404, Outcome.REFUSED),
        (410, Outcome.GONE),
        (429, Outcome.FAILED),
        (500, Outcome.FAILED),
        (503, Outcome.FAILED),
        (None, Outcome.FAILED),
    ],
)
def test_a_status_is_an_outcome(status: int | None, outcome: Outcome) -> None:
    assert Attempt(status, "").outcome is outcome


def test_a_refused_message_is_tried_for_almost_three_days() -> None:
    delays = [retry_delay(number) for number in range(1, len(REFUSAL_DELAYS) + 1)]
    assert delays == list(REFUSAL_DELAYS)
    assert 0.9 < sum(REFUSAL_DELAYS) / KEPT_TRYING.total_seconds() <= 1
    assert retry_delay(len(REFUSAL_DELAYS) + 1) is None


def test_the_pauses_of_an_endpoint_grow_up_to_a_limit() -> None:
    pauses = [pause(number, None) for number in range(1, 1_000)]
    assert all(before <= after for before, after in pairwise(pauses))
    assert (pauses[0], pauses[-1]) == (5, LONGEST_PAUSE)
    assert pause(1, 60) == 60
    assert pause(100, 60) == LONGEST_PAUSE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Thu, 01 Jan 1970 00:02:00 GMT", 20),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        (f"Fri, 31 Dec 2026 23:59:59 +{'9' * 20}", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(text, now=100.0) == seconds
