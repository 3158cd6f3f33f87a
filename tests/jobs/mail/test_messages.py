"""The mails as operators read them."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from uuid import UUID

import pytest

from jobs.mail.digests import Digest, MailedNotice
from jobs.mail.messages import MAX_SUBJECT, check_mail, digest_mail
from jobs.notices import NoticeKind

SITE = "https://site.example/haulage"
NOW = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
JOB = UUID(int=7)


def notice(number: int = 1, **changes: object) -> MailedNotice:
    values: dict[str, object] = {
        "id": number,
        "kind": NoticeKind.DEAD,
        "message": "The store is full.",
        "job_id": None,
        "count": 1,
        "mailed_count": 0,
        "first_at": datetime(2026, 12, 1, 9, tzinfo=UTC),
        "last_at": datetime(2026, 12, 1, 9, 29, tzinfo=UTC),
        "acknowledged_by": None,
        "closed_at": None,
    }
    return MailedNotice(**values | changes)  # type: ignore[arg-type]


def mail_of(*notices: MailedNotice, more: int = 0) -> tuple[str, str]:
    mail = digest_mail(Digest(notices=notices, more=more), SITE, NOW, 5)
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime == NOW
    return mail["Subject"], mail.get_content()


def test_one_notice_is_the_subject_with_the_address_of_the_installation() -> None:
    subject, text = mail_of(notice(job_id=JOB, count=500))
    assert subject == "Haulage at site.example/haulage: The store is full."
    assert text.startswith(
        f"[dead] 500 times, last at 2026-12-01 09:29 UTC (notice 1)\nThe store is full.\n{SITE}/operator/jobs/{JOB}\n\n"
    )
    assert f"{SITE}/operator\n" in text
    assert "in 5 minutes at the earliest" in text


def test_what_has_grown_says_by_how_much() -> None:
    _, text = mail_of(notice(count=1_503, mailed_count=500))
    assert text.startswith("[dead] 1,003 more, 1,503 times in all, last at ")


def test_a_condition_says_since_when_and_until_when() -> None:
    subject, text = mail_of(
        notice(1, kind=NoticeKind.NO_WORKER, message="No worker."),
        notice(2, kind=NoticeKind.DISK, message="Full.", closed_at=NOW),
        notice(3, acknowledged_by="olga", closed_at=NOW),
        more=1_200,
    )
    assert subject == "Haulage at site.example/haulage: 1,203 notices"
    assert text.startswith("[no_worker] since 2026-12-01 09:00 UTC (notice 1)\nNo worker.\n\n[disk] since ")
    assert "Full.\nIt was over at 2026-12-01 09:30 UTC.\n" in text
    assert "It was acknowledged by olga.\n" in text
    assert "1,200 more notices follow in the next mail.\n" in text


def test_a_message_may_have_any_characters_and_any_length() -> None:
    message = "evil\r\nBcc: all@site.example\x00\x1b[1m " + "ä" * 2_000
    subject, text = mail_of(notice(message=message))
    assert "evil Bcc: all@site.example\ufffd\ufffd[1m ää" in subject
    assert len(subject) == len("Haulage at site.example/haulage: ") + MAX_SUBJECT
    assert "ä" * 2_000 in text
    mail = digest_mail(Digest(notices=(notice(message=message),), more=0), SITE, NOW, 5)
    assert mail["Bcc"] is None
    assert max(map(len, mail.as_bytes().splitlines())) < 998, "RFC 5322, section 2.1.1"


@pytest.mark.parametrize(
    "message",
    ["=?utf-8?q?=0ABcc:_all=40site.example?= is dead.", "=?utf-8?q?=ff?=ü is dead.", "=?=?utf-8?q?=0A?=?utf-8?q?=0A?="],
)
def test_an_encoded_word_in_a_message_is_not_decoded(message: str) -> None:
    mail = digest_mail(Digest(notices=(notice(message=message),), more=0), SITE, NOW, 5)
    expected = f"Haulage at site.example/haulage: {message.replace('=?', '= ?')}"
    assert mail["Subject"] == expected
    received = message_from_bytes(mail.as_bytes(), policy=default)
    assert (received["Subject"], received["Bcc"]) == (expected, None)
    assert message in mail.get_content(), "the text is as it is"


def test_the_test_mail_names_the_installation() -> None:
    mail = check_mail(SITE, NOW)
    assert mail["Subject"] == "Haulage at site.example/haulage: test mail"
    assert SITE in mail.get_content()
