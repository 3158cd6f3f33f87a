"""What files are by their first bytes: samples that are what they claim, and samples that lie."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from io import BytesIO
from zipfile import ZipFile, ZipInfo

import pytest

from jobs.errors import TypeMismatch
from jobs.uploads.content_types import HEAD_SIZE, check_type, detect


def zipped(**members: bytes) -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as writer:
        for name, content in members.items():
            writer.writestr(ZipInfo(name.replace("__", "/").replace("_xml", ".xml")), content)
    return archive.getvalue()


def png() -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack("!I", len(content)) + name + content + struct.pack("!I", zlib.crc32(name + content))

    header = struct.pack("!IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


def box(brand: bytes, *compatible: bytes) -> bytes:
    """The first box of a file of ISO 14496-12."""
    content = brand + bytes(4) + b"".join(compatible)
    return struct.pack("!I", 8 + len(content)) + b"ftyp" + content + struct.pack("!I", 8) + b"mdat"


PNG = png()
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00\xff\xd9"
GIF = bytes.fromhex("47494638396101000100800000ffffff00000021f90400000000002c00000000010001000002024401003b")
WEBP = b"RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"
TIFF = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"
HEIC = box(b"heic", b"mif1", b"heic")
AVIF = box(b"avif", b"avif", b"mif1")
MP4 = box(b"isom", b"isom", b"iso2", b"avc1", b"mp41")
QUICKTIME = box(b"qt  ", b"qt  ")
OLD_MOVIE = struct.pack("!I", 8) + b"wide" + struct.pack("!I", 100) + b"mdat" + bytes(92)
WEBM = (
    b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04B\x85\x81\x02"
)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
ZIP = zipped(a=b"hello")
DOCX = zipped(**{"[Content_Types]_xml": b"<Types/>", "_rels__rels": b"<r/>", "word__document_xml": b"<w/>"})
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + bytes(100)
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(100)
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(200) + b"PE\x00\x00"
WASM = b"\x00asm\x01\x00\x00\x00"
HTML = b"<!DOCTYPE html><script>alert(1)</script>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n"
GIF_PHP = GIF + b"<?php system($_GET['c']); ?>"
GIF_PDF = b"GIF89a" + bytes(20) + PDF
TEXT = "grüße\n".encode()

TRUE = [
    ("a.png", "image/png", PNG, "image/png"),
    ("a.jpg", "image/jpeg", JPEG, "image/jpeg"),
    ("a.jpeg", "image/pjpeg", JPEG, "image/jpeg"),
    ("a.gif", "image/gif", GIF, "image/gif"),
    ("a.webp", "image/webp", WEBP, "image/webp"),
    ("a.tif", "image/tiff", TIFF, "image/tiff"),
    ("a.heic", "image/heic", HEIC, "image/heic"),
    ("a.avif", "image/avif", AVIF, "image/avif"),
    ("a.mp4", "video/mp4", MP4, "video/mp4"),
    ("a.m4a", "audio/mp4", box(b"M4A ", b"M4A ", b"isom"), "audio/mp4"),
    ("a.mov", "video/quicktime", QUICKTIME, "video/quicktime"),
    ("a.mov", "video/quicktime", OLD_MOVIE, None),
    ("a.webm", "video/webm", WEBM, "video/webm"),
    ("a.mp3", "audio/mpeg", MP3, "audio/mpeg"),
    ("a.pdf", "application/pdf", PDF, "application/pdf"),
    ("a.pdf", None, bytes(900) + PDF, "application/pdf"),
    ("a.zip", "application/zip", ZIP, "application/zip"),
    ("a.zip", "application/zip", zipped(), "application/zip"),
    ("a.jar", "application/java-archive", ZIP, "application/zip"),
    ("a.docx", None, DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("a.gz", "application/gzip", gzip.compress(b"x", mtime=0), "application/gzip"),
    ("a.tar.gz", "application/gzip", gzip.compress(b"x", mtime=0), "application/gzip"),
    ("a.csv.bz2", None, bz2.compress(b"x"), "application/x-bzip2"),
    ("a.txt.xz", None, lzma.compress(b"x"), "application/x-xz"),
    ("a.txt", "text/plain; charset=utf-8", TEXT, None),
    ("a.txt", "text/plain", "grüße\n".encode("utf-16"), None),
    ("a.html", "text/html", HTML, None),
    ("a.svg", "image/svg+xml", SVG, None),
    ("a.json", "application/json", b'{"a": 1}', None),
    ("a.m3u8", None, PLAYLIST, None),
    ("a.exe", None, EXE, "application/x-msdownload"),
    ("a.bin", "application/octet-stream", ELF, "application/x-executable"),
    ("no-extension", "binary/octet-stream", PNG, "image/png"),
    ("a.unknown-to-all", None, b"\x01\x02\x03", None),
    ("a.png", "image/png", b"", None),
]
LIES = [
    ("a.jpg", None, EXE),
    ("a.jpg", None, ELF),
    ("a.png", None, HTML),
    ("a.jpg", "image/jpeg", SVG),
    ("a.mp4", None, ELF),
    ("a.mp4", None, PLAYLIST),
    ("a.png", "image/png", JPEG),
    ("a.jpg", "image/png", JPEG),
    ("a.png", "image/png", PNG[1:]),
    ("a.gif", None, PDF),
    ("a.pdf", None, HTML),
    ("a.pdf", None, ZIP),
    ("a.pdf", "application/pdf", bytes(1100) + PDF),
    ("a.zip", None, gzip.compress(b"x", mtime=0)),
    ("a.tar.gz", None, ZIP),
    ("a.txt", None, PNG),
    ("a.txt", "text/plain", ELF),
    ("a.csv", None, ZIP),
    ("a.html", None, PDF + bytes(1)),
    ("a.json", None, WASM),
    ("a.svg", None, JPEG),
    ("a.heic", None, MP4),
    ("a.webm", None, MP4),
    ("a.mp3", None, EXE),
    ("a.docx", None, EXE),
    ("a.xlsx", None, ELF),
    ("a.pptx", None, EXE),
    ("a", "image/png", HTML),
    ("a", "IMAGE/PNG; q=1", HTML),
    ("photo.JPG", None, EXE),
    ("folder.png/a.jpg", None, PNG),
]


@pytest.mark.parametrize(("name", "declared", "head", "detected"), TRUE, ids=lambda value: str(value)[:24])
def test_a_file_that_is_what_it_claims_is_accepted(
    name: str, declared: str | None, head: bytes, detected: str | None
) -> None:
    assert check_type(name, declared, head) == detected


@pytest.mark.parametrize(("name", "declared", "head"), LIES, ids=lambda value: str(value)[:24])
def test_a_file_that_contradicts_its_name_or_declared_type_is_refused(
    name: str, declared: str | None, head: bytes
) -> None:
    with pytest.raises(TypeMismatch) as raised:
        check_type(name, declared, head)
    assert "Send it under the name and type that it has." in raised.value.message


@pytest.mark.parametrize("content", [GIF_PHP, GIF_PDF, PNG + ZIP, JPEG + HTML], ids=["PHP", "PDF", "ZIP", "HTML"])
def test_a_file_of_two_types_is_the_one_that_it_begins_with(content: bytes) -> None:
    """Polyglots are not found out: they are served as what was detected, never as the other type."""
    detected = detect(content)
    assert detected in {"image/gif", "image/png", "image/jpeg"}
    assert check_type("a", None, content) == detected
    for name in ("a.pdf", "a.zip", "a.html", "a.php.txt"):
        with pytest.raises(TypeMismatch):
            check_type(name, None, content)


def test_what_follows_the_first_bytes_makes_no_difference() -> None:
    assert detect((PNG + bytes(HEAD_SIZE))[:HEAD_SIZE]) == "image/png"
    assert check_type("a.txt", None, b"x" * HEAD_SIZE) is None
