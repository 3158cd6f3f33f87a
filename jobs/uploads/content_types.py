"""What a file is, by its first bytes, and whether that contradicts its name or the type that the client declared.

Signatures come from `filetype`. A file that is not recognised is accepted, unless its name or declared type promises
a signature: `page.png` without that of PNG is refused. Types that say nothing, as `application/octet-stream`, promise none.
"""

from __future__ import annotations

from collections.abc import Iterator
from mimetypes import MimeTypes
from typing import Any

import filetype

from jobs.errors import TypeMismatch

HEAD_SIZE = 8192
"""First bytes of a file that decide: `filetype` reads no more."""

_BY_EXTENSION = MimeTypes()
"""Python's own table: that of the operating system differs between machines."""
_BY_EXTENSION.add_type("image/heic", ".heic")
_BY_EXTENSION.add_type("image/avif", ".avif")
_BY_EXTENSION.add_type("image/webp", ".webp")
_OFFICE = "application/vnd.openxmlformats-officedocument"
_BY_EXTENSION.add_type(f"{_OFFICE}.wordprocessingml.document", ".docx")
_BY_EXTENSION.add_type(f"{_OFFICE}.spreadsheetml.sheet", ".xlsx")
_BY_EXTENSION.add_type(f"{_OFFICE}.presentationml.presentation", ".pptx")
_ENCODINGS = {
    "gzip": "application/gzip",
    "bzip2": "application/x-bzip2",
    "xz": "application/x-xz",
    "compress": "application/x-compress",
}
_NEUTRAL = frozenset({"application/octet-stream", "binary/octet-stream", "application/x-download"})
_FAMILIES = (
    {"image/jpeg", "image/jpg", "image/pjpeg"},
    {"image/png", "image/apng", "image/x-png"},
    {"image/gif"},
    {"image/webp"},
    {"image/tiff", "image/x-canon-cr2"},
    {"image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence", "image/avif"},
    {"application/pdf", "application/x-pdf"},
    {"video/mp4", "video/quicktime", "video/x-m4v", "video/3gpp", "audio/mp4", "audio/x-m4a", "audio/m4a"},
    {"video/webm", "video/x-matroska", "audio/webm", "audio/x-matroska"},
    {"application/gzip", "application/x-gzip"},
    {"application/x-7z-compressed"},
    {"application/zip", "application/x-zip-compressed", "application/java-archive"},
)
"""Types with a signature at the start of every file; those of a set are the same format, or names of one container."""
_FAMILY = {name: family for family in _FAMILIES for name in family}
_ZIP = _FAMILY["application/zip"]
_TEXTS = frozenset(
    {"application/json", "application/javascript", "application/xml", "application/x-sh", "application/yaml"}
)
_PROGRAMS = frozenset({"application/x-msdownload", "application/x-executable", "application/wasm"})
_PROGRAM_NAMES = _PROGRAMS | {
    "application/vnd.microsoft.portable-executable",
    "application/x-dosexec",
    "application/x-elf",
    "application/x-msdos-program",
    "application/x-sharedlib",
}
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b"))
_WIDE_TEXT = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32, in which text has NUL bytes."""


def detect(head: bytes) -> str | None:
    """The media type of a file that begins with these bytes; None if its signature is unknown, as that of any text."""
    kind: Any = filetype.guess(head)
    if kind is None:
        return "application/pdf" if b"%PDF-" in head[:1024] else None  # ISO 32000-1, annex H, note 13
    found: str = kind.mime
    return None if found in _NEUTRAL or (found == "image/bmp" and _is_text(head)) else found


def check_type(name: str, declared: str | None, head: bytes) -> str | None:
    """The detected type of a file. Raises `TypeMismatch` if it contradicts the name or the declared type.

    `head` is the start of the file: `HEAD_SIZE` bytes, or all of it.
    """
    detected = detect(head)
    if not head:
        return detected
    for promised, source in _promises(name, declared):
        if not _keeps(promised, detected, head):
            raise TypeMismatch(
                f"The file is not {promised}, as its {source} says: its content is {detected or 'of another type'}."
                " Send it under the name and type that it has."
            )
    return detected


def _promises(name: str, declared: str | None) -> Iterator[tuple[str, str]]:
    guessed, encoding = _BY_EXTENSION.guess_type(f"/{name.rpartition('/')[2]}")
    by_name = guessed if encoding is None else _ENCODINGS.get(encoding)
    by_client = (declared or "").partition(";")[0].strip().lower()
    if by_name and by_name not in _NEUTRAL:
        yield by_name, "name"
    if by_client and by_client not in _NEUTRAL and encoding is None:
        yield by_client, "declared type"


def _keeps(promised: str, detected: str | None, head: bytes) -> bool:
    family = _FAMILY.get(promised)
    if family is not None:
        is_zip = family is _ZIP and head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))
        return detected in family or is_zip or (family is _FAMILY["video/mp4"] and _is_old_movie(head))
    if promised.startswith("text/") or promised in _TEXTS or promised.endswith(("+xml", "+json")):
        return _is_text(head)
    if detected is None:
        return True
    if promised.startswith("image/"):
        return detected.startswith("image/")
    if promised.startswith(("audio/", "video/")):
        return detected.startswith(("audio/", "video/", "application/ogg"))
    return detected not in _PROGRAMS or promised in _PROGRAM_NAMES


def _is_text(head: bytes) -> bool:
    """Whether it may be text in some encoding: it has no control characters but white space."""
    return head.startswith(_WIDE_TEXT) or len(head.translate(None, _CONTROLS)) == len(head)


def _is_old_movie(head: bytes) -> bool:
    """A QuickTime file may begin with any of these atoms (QuickTime File Format Specification, "Overview")."""
    return head[4:8] in {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot"}
