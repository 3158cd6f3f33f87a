"""`manifest.json`, the last entry of every bundle: its files with their checksums, and the files that were left out.

Its size must be known before the CRCs, because the offset of the central directory depends on it: a CRC always has eight
digits, and everything else is known when the bundle is planned.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.bundles.format.zip_records import Entry
from jobs.engine.jobs import UNKNOWN_FILE

NAME = "manifest.json"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Omitted:
    """A requested file that is not in the bundle."""

    file_id: int
    name: str
    reason: str
    """Shown to users."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of the manifest, except for the entries themselves."""

    created_at: datetime
    """The creation time of the job that made the bundle, timezone-aware.

    It is the same for all attempts, or their plans would differ. Jobs that reuse the bundle keep it, which is why the
    manifest has no job id.
    """
    file_ids: tuple[int, ...]
    """Of the entries, in their order."""
    omitted: tuple[Omitted, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    """Where entries were fetched from that are not in the catalogue, by their names."""


def render(manifest: Manifest, entries: Sequence[Entry], crcs: Sequence[int]) -> bytes:
    """The JSON text as UTF-8, one line per file. `crcs` are those of the entries, in their order.

    Raises `ValueError` unless there are as many file ids and CRCs as entries.
    """
    return b"".join(_lines(manifest, entries, crcs))


def size(manifest: Manifest, entries: Sequence[Entry]) -> int:
    """Bytes of `render`, which do not depend on the CRCs."""
    return sum(map(len, _lines(manifest, entries, [0] * len(entries))))


def _lines(manifest: Manifest, entries: Sequence[Entry], crcs: Sequence[int]) -> Iterator[bytes]:
    created = manifest.created_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    yield f'{{\n  "haulage": {VERSION},\n  "createdAt": "{created}",\n'.encode()
    yield from _array(
        "files",
        (
            _file(entry, file_id, crc, manifest.urls.get(entry.name))
            for entry, file_id, crc in zip(entries, manifest.file_ids, crcs, strict=True)
        ),
    )
    yield b",\n"
    yield from _array("omitted", map(_omitted, manifest.omitted))
    yield b"\n}\n"


def _array(key: str, objects: Iterator[str]) -> Iterator[bytes]:
    yield f'  "{key}": ['.encode()
    separator = "\n    "
    for one in objects:
        yield (separator + one).encode(errors="replace")
        separator = ",\n    "
    yield b"]" if separator == "\n    " else b"\n  ]"


def _file(entry: Entry, file_id: int, crc32: int, url: str | None) -> str:
    sha256 = "null" if entry.sha256 is None else f'"{entry.sha256}"'
    origin = f'"fileId": {file_id}' if url is None else f'"fileId": null, "url": {_text(url)}'
    return (
        f'{{"name": {_text(entry.name)}, {origin}, "size": {entry.size}, "crc32": "{crc32:08x}", "sha256": {sha256}}}'
    )


def _omitted(one: Omitted) -> str:
    file_id = "null" if one.file_id == UNKNOWN_FILE else one.file_id
    return f'{{"fileId": {file_id}, "name": {_text(one.name)}, "reason": {_text(one.reason)}}}'


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
