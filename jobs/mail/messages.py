"""The mails: plain text, for people. It does no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from jobs.mail.digests import Digest, MailedNotice

MAX_SUBJECT = 120
"""Characters of a notice's message in a subject."""


def digest_mail(digest: Digest, site: str, now: datetime, minutes: int) -> EmailMessage:
    """The mail that lists notices. `site`: the URL of the installation, without a final slash.

    `minutes`: how long the next mail takes at least.
    """
    count = len(digest.notices) + digest.more
    what = _shortened(digest.notices[0].message) if count == 1 else f"{count:,} notices"
    paragraphs = ["\n".join(_lines(notice, site)) for notice in digest.notices]
    if digest.more:
        paragraphs.append(f"{digest.more:,} more notices follow in the next mail.")
    paragraphs.append(f"All notices, and how the installation is: {site}/operator")
    paragraphs.append(
        "`haulage notices acknowledge ID` marks a notice as seen. What happens again, or is new, is mailed in"
        f" {minutes} minutes at the earliest."
    )
    return _mail(site, what, now, paragraphs)


def check_mail(site: str, now: datetime) -> EmailMessage:
    """The mail of `haulage notices test-mail`."""
    return _mail(site, "test mail", now, ["Notices of this installation are sent to you. This mail is a test.", site])


def _mail(site: str, what: str, now: datetime, paragraphs: Sequence[str]) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = _without_encoded_words(f"Haulage at {site.partition('://')[2]}: {what}")
    mail["Date"] = format_datetime(now)
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence is reported to it (RFC 3834, section 5)
    mail.set_content("\n\n".join(paragraphs) + "\n")
    return mail


def _lines(notice: MailedNotice, site: str) -> list[str]:
    """A notice with what an operator needs to decide whether to act now."""
    new = notice.count - notice.mailed_count
    times = f"{notice.count:,} times" if notice.count > 1 else "once"
    if notice.kind.is_condition:
        times = f"since {_time(notice.first_at)}"
    elif notice.mailed_count:
        times = f"{new:,} more, {times} in all"
    last = "" if notice.kind.is_condition else f", last at {_time(notice.last_at)}"
    lines = [f"[{notice.kind}] {times}{last} (notice {notice.id})", _printable(notice.message)]
    if notice.job_id is not None:
        lines.append(f"{site}/operator/jobs/{notice.job_id}")
    if notice.acknowledged_by is not None:
        lines.append(f"It was acknowledged by {_printable(notice.acknowledged_by)}.")
    elif notice.closed_at is not None:
        lines.append(f"It was over at {_time(notice.closed_at)}.")
    return lines


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _printable(text: str) -> str:
    """The text in one line. File names in it may have line breaks and control characters, which no header may."""
    return "".join(each if each.isprintable() else "\ufffd" for each in " ".join(text.split()))


def _without_encoded_words(text: str) -> str:
    """The text without the start of an encoded word (RFC 2047, section 2).

    `email` would decode it, and users influence the text: a decoded line break would begin another header.
    """
    return text.replace("=?", "= ?")


def _shortened(text: str) -> str:
    line = _printable(text)
    return line if len(line) <= MAX_SUBJECT else line[: MAX_SUBJECT - 1].rstrip() + "…"
