"""Content hashes of bundles, and fingerprints of their plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.downloads import Compression
from jobs.bundles.format.bundle_parts import SourceRange
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import plan_stored
from jobs.bundles.format.zip_records import Entry, data_descriptor, local_header_with_descriptor
from jobs.bundles.planning import LAYOUT, fingerprint_plan, hash_content
from jobs.bundles.resolver import Missing, Source

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
MIB = 1 << 20

few = st.sampled_from
sources = st.lists(
    st.builds(
        Source,
        file_id=few([10_000, 10_001]),
        name=few(["a", "b"]),
        key=few(["files/1", "files/2"]),
        size=few([1, 2]),
        etag=few(['"x"', '"y"']),
        crc32=st.none(),
        sha256=few([None, "ab"]),
        content_type=st.just("text/plain"),
        modified=few([NOW, NOW + timedelta(seconds=1)]),
    ),
    max_size=2,
)
missing = st.lists(
    st.builds(Missing, file_id=few([10_002, 10_003]), name=few(["c"]), reason=few(["r", "s"])), max_size=1
)


@given(sources, missing, sources, missing)
def test_content_hashes_are_equal_only_for_equal_content(
    files: list[Source], lacking: list[Missing], others: list[Source], others_lacking: list[Missing]
) -> None:
    same = (files, lacking) == (others, others_lacking)
    assert (hash_content(files, lacking) == hash_content(others, others_lacking)) == same
    assert hash_content(files, lacking) == hash_content(list(files), list(lacking))


@given(sources)
def test_attributes_that_do_not_change_the_bundle_do_not_count(files: list[Source]) -> None:
    otherwise = [replace(file, content_type="image/png", crc32=1, trusted=True) for file in files]
    assert hash_content(files, []) == hash_content(otherwise, [])


@given(sources)
def test_compression_changes_the_content_hash(files: list[Source]) -> None:
    assert (
        hash_content(files, [], Compression.DEFLATE)
        != hash_content(files, [])
        == hash_content(files, [], Compression.STORE)
    )


def test_the_layout_has_a_version_for_its_bytes() -> None:
    """Otherwise an attempt would continue a bundle that an older release has begun with other bytes.

    If this fails because the bytes were changed on purpose, increase `LAYOUT` and enter the new digest.
    """
    entries = [Entry("a/ä", 0, 0, None, NOW), Entry("b", 0, 0, None, datetime(1960, 1, 1, tzinfo=UTC))]
    stored = plan_stored(entries, Manifest(NOW, (10_000, 10_001)), 8 * MIB)
    crcs = stored.known_crcs()
    whole = b"".join(
        stored.render(piece, crcs) for piece in stored.parts[0].pieces if not isinstance(piece, SourceRange)
    )
    large = [Entry("c", size, None, None, NOW) for size in (1 << 30, 1 << 33)]
    whole += b"".join(local_header_with_descriptor(entry) + data_descriptor(entry, 1, 2) for entry in large)
    assert (LAYOUT, sha256(whole).hexdigest()) == (
        5,
        "04e14dcb93c8ad620d8f1a7fef3a6c6037a410fa0fe8b7972f043d44fad9c7c0",
    )


def test_time_part_size_and_crc_change_the_fingerprint() -> None:
    def plan(created_at: datetime, part_size: int, crc32: int | None = 1) -> str:
        entries = [Entry("a", 20 * MIB, crc32, None, created_at)]
        return fingerprint_plan(plan_stored(entries, Manifest(created_at, (10_000,)), part_size, 64 * MIB), "content")

    plans = [plan(NOW, 8 * MIB), plan(NOW + timedelta(seconds=1), 8 * MIB), plan(NOW, 9 * MIB), plan(NOW, 8 * MIB, 2)]
    assert len(set(plans)) == 4
    assert plan(NOW, 8 * MIB) == plans[0]
