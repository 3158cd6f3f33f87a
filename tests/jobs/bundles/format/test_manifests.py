"""`manifest.json`: valid JSON of a size that is known before the checksums."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.format import manifests
from jobs.bundles.format.manifests import Manifest, Omitted
from jobs.bundles.format.zip_records import Entry

NOW = datetime(2026, 11, 21, 8, 0, 0, 123_456, tzinfo=UTC)
names = st.text(st.characters(exclude_categories=()), max_size=20)
entries = st.builds(Entry, names, st.integers(0, 1 << 45), st.none(), st.none() | st.just("0f" * 32), st.just(NOW))
omissions = st.lists(st.builds(Omitted, st.integers(10_000, 100_000_000), names, names), max_size=4).map(tuple)


@given(st.lists(st.tuples(entries, st.integers(0, 0xFFFFFFFF)), max_size=5), omissions)
def test_the_size_is_known_before_the_crcs(rows: list[tuple[Entry, int]], omitted: tuple[Omitted, ...]) -> None:
    manifest = Manifest(NOW, tuple(range(len(rows))), omitted)
    files = [entry for entry, _ in rows]
    text = manifests.render(manifest, files, [crc for _, crc in rows])
    assert len(text) == manifests.size(manifest, files)
    assert len(json.loads(text)["files"]) == len(rows)


def test_it_lists_the_files_and_the_omitted_files_one_per_line() -> None:
    files = [Entry('ä "1".pdf', 7, None, "ab" * 32, NOW), Entry("b", 0, None, None, NOW)]
    manifest = Manifest(NOW, (10_001, 10_002), (Omitted(10_003, "c", "It is not in the store."),))
    text = manifests.render(manifest, files, [0xABC, 0])
    assert json.loads(text) == {
        "haulage": 1,
        "createdAt": "2026-11-21T08:00:00.123Z",
        "files": [
            {"name": 'ä "1".pdf', "fileId": 10_001, "size": 7, "crc32": "00000abc", "sha256": "ab" * 32},
            {"name": "b", "fileId": 10_002, "size": 0, "crc32": "00000000", "sha256": None},
        ],
        "omitted": [{"fileId": 10_003, "name": "c", "reason": "It is not in the store."}],
    }
    assert len(text.splitlines()) == 11
    assert "ä".encode() in text


def test_names_that_are_not_unicode_do_not_break_it() -> None:
    manifest = Manifest(NOW, (), (Omitted(10_003, "a\ud800", "b"),))
    text = manifests.render(manifest, [], [])
    assert json.loads(text)["omitted"][0]["name"] == "a?"
    assert len(text) == manifests.size(manifest, [])


def test_an_empty_one_is_valid_too() -> None:
    assert json.loads(manifests.render(Manifest(NOW, ()), [], []))["files"] == []


def test_lists_of_different_lengths_are_rejected() -> None:
    with pytest.raises(ValueError, match="zip"):
        manifests.render(Manifest(NOW, (1, 2)), [Entry("a", 1, None, None, NOW)], [0])
