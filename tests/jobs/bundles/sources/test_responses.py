"""What a response says of a file, and whether it comes fast enough."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.bundles.sources.pace import Pace
from jobs.bundles.sources.responses import SourceChanged, check_range, check_status, representation_of
from jobs.bundles.url_sources import Representation, shown_url
from jobs.errors import SourceRejected, SourceTooSlow, SourceUnavailable

LATER = "Sat, 21 Nov 2026 11:15:00 GMT"
MODIFIED = "Sat, 21 Nov 2026 11:14:55 GMT"


@pytest.mark.parametrize(
    ("headers", "validator"),
    [
        ({"etag": '"a"'}, '"a"'),
        ({"etag": 'W/"a"', "last-modified": MODIFIED, "date": LATER}, None),
        ({"etag": "a", "last-modified": MODIFIED, "date": LATER}, None),
        ({"last-modified": MODIFIED, "date": LATER}, MODIFIED),
        ({"last-modified": MODIFIED, "date": MODIFIED}, None),
        ({"last-modified": MODIFIED}, None),
        ({"last-modified": "yesterday", "date": LATER}, None),
        ({"last-modified": "Fri, 31 Dec 9999 23:59:59 -0100", "date": LATER}, None),
        ({"last-modified": f"Sat, 21 Nov 2026 11:14:55 +{'9' * 20}", "date": LATER}, None),
        ({"last-modified": f"{MODIFIED} \xe4", "date": LATER}, None),
        ({"etag": '"\xe4"', "last-modified": MODIFIED, "date": LATER}, None),
        ({}, None),
    ],
)
def test_only_a_strong_validator_continues_a_fetch(headers: dict[str, str], validator: str | None) -> None:
    found = representation_of("h", {"content-length": "5", **headers}, verifiable=False)
    assert (found.size, found.validator) == (5, validator)


def test_the_time_of_a_file_is_in_utc() -> None:
    found = representation_of("h", {"content-length": "5", "last-modified": MODIFIED}, verifiable=False)
    assert found.modified == datetime(2026, 11, 21, 11, 14, 55, tzinfo=UTC)


@pytest.mark.parametrize("length", ["-1", "5, 6", "five", "9" * 30, ""])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    with pytest.raises(SourceRejected, match="Content-Length"):
        representation_of("h", {"content-length": length}, verifiable=True)


def test_a_range_of_another_file_is_told_from_one_that_is_wrong() -> None:
    known = Representation(size=1000, validator='"a"', modified=None)
    right = {"etag": '"a"', "content-range": "bytes 600-999/1000"}
    assert check_range("h", right, known, 600) == (known, 1000)
    for other in ({"etag": '"b"'}, {"content-range": "bytes 600-1000/1001"}):
        with pytest.raises(SourceChanged):
            check_range("h", right | other, known, 600)
    for wrong in ("bytes 599-999/1000", "bytes 700-600/1000", "bytes 600-/1000", "600-999/1000", ""):
        with pytest.raises(SourceRejected):
            check_range("h", right | {"content-range": wrong}, known, 600)


def test_a_range_with_another_date_is_of_another_file_if_the_date_was_the_validator() -> None:
    known = Representation(size=1000, validator=MODIFIED, modified=None)
    right = {"content-range": "bytes 600-999/1000"}
    for headers in (right, right | {"last-modified": MODIFIED}, right | {"etag": '"new"'}):
        assert check_range("h", headers, known, 600) == (known, 1000)
    with pytest.raises(SourceChanged):
        check_range("h", right | {"last-modified": LATER}, known, 600)


def test_a_host_cannot_hold_up_a_job_for_longer_than_a_day() -> None:
    for text, seconds in (("5", 5), ("999999", 86_400), ("Thu, 01 Jan 1970 00:02:00 GMT", 20), ("soon", None)):
        with pytest.raises(SourceUnavailable) as raised:
            check_status("h", 429, {"retry-after": text}, now=100)
        assert raised.value.retry_after == seconds


def test_the_pace_is_measured_over_a_window() -> None:
    pace = Pace("h", 10, 5.0)
    pace.add(50, 5.0)
    pace.add(0, 4.9)  # a pause within a window is none
    pace.add(60, 0.2)
    pace.add(49, 4.9)
    with pytest.raises(SourceTooSlow, match=r"49 bytes in 5 s; at least 10 bytes"):
        pace.add(0, 0.1)
    pace.add(0, 4.9)  # what was too slow is not counted again


def test_the_query_of_a_url_is_not_shown() -> None:
    assert (
        shown_url("https://files.example:8443/a/b.pdf;v=1?token=hush#part") == "https://files.example:8443/a/b.pdf;v=1"
    )
