"""Small files that ask for much memory or time."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pyvips

from tests.helpers.media import encoded, photo
from tests.helpers.pdfs import deflated, pdf, stream
from tests.helpers.videos import run, video

MIB = 1 << 20


def png(width: int, height: int, *chunks: bytes, rows: int = 1) -> bytes:
    """A black PNG of one bit a pixel, with further chunks, of whose rows only the first are there."""
    header = struct.pack("!IIBBBBB", width, height, 1, 0, 0, 0, 0)
    image = chunk(b"IDAT", deflated([bytes(1 + (width + 7) // 8)] * rows))
    return b"".join([b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *chunks, image, chunk(b"IEND", b"")])


def chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack("!I", len(content)) + name + content + struct.pack("!I", zlib.crc32(name + content))


def profile_of(size: int) -> bytes:
    """A chunk of a PNG with a colour profile of zeros, compressed a thousandfold."""
    return chunk(b"iCCP", b"profile\0\0" + deflated(zeros(size)))


def jpeg(width: int, height: int) -> bytes:
    """A JPEG that says that it is larger than it is."""
    content = encoded(photo(64, 64))
    at = content.index(b"\xff\xc0") + 5
    return content[:at] + struct.pack("!HH", height, width) + content[at + 4 :]


def gif(frames: int, side: int = 1) -> bytes:
    """A GIF of black frames."""
    screen = struct.pack("<HHBBB", side, side, 0x80, 0, 0)
    frame = b"\x21\xf9\x04\0\0\0\0\0\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    return b"GIF89a" + screen + bytes(6) + frame * frames + b"\x3b"


def tiff(width: int, height: int, pages: int = 1) -> bytes:
    """A TIFF of one bit a pixel, all of whose strips are the same 8 KiB."""
    strip = 8192
    rows = max(1, strip * 8 // width)
    tags = {256: width, 257: height, 258: 1, 259: 1, 262: 1, 273: 8, 277: 1, 278: rows, 279: strip}
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in tags)
    first, size = 8 + strip, len(directory) + 4
    following = [first + size * page for page in range(1, pages)] + [0]
    directories = b"".join(directory + struct.pack("<I", offset) for offset in following)
    return b"II*\0" + struct.pack("<I", first) + bytes(strip) + directories


def webp(side: int) -> bytes:
    """An animated WebP of tiny frames on a canvas with sides of up to 2^24 pixels (RFC 9649, 2.7.1)."""
    frames = photo(8, 4).join(photo(8, 4).invert(), "vertical").copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 4)
    content = encoded(frames, "image/webp")
    at = content.index(b"VP8X") + 12
    return content[:at] + struct.pack("<I", side - 1)[:3] * 2 + content[at + 6 :]


def zipped(size: int) -> bytes:
    """A ZIP of zeros."""
    archive = BytesIO()
    with (
        ZipFile(archive, "w", ZIP_DEFLATED, compresslevel=1) as writer,
        writer.open("zeros", "w", force_zip64=True) as member,
    ):
        for piece in zeros(size):
            member.write(piece)
    return archive.getvalue()


def pdf_of_spaces(size: int, *, times: int = 1, pages: int = 1) -> bytes:
    """A PDF whose last page is drawn by spaces alone, compressed a thousandfold for each of `times`."""
    content = deflated(b" " * MIB for _ in range(size // MIB))
    for _ in range(times - 1):
        content = deflated([content])
    return pdf(pages, content=stream(content, ["FlateDecode"] * times), content_from=pages)


def large_mp4(folder: Path, side: int) -> bytes:
    """An MP4 whose index says that its frames are larger than they are (ISO 14496-12, 12.1.3)."""
    content = bytearray(video(folder / "small.mp4", sound=False).read_bytes())
    at = content.index(b"avc1", content.index(b"stsd")) + 28
    content[at : at + 4] = struct.pack("!HH", side, side)
    content[content.index(b"avcC") : content.index(b"avcC") + 4] = b"free"
    return bytes(content)


def long_mp4(folder: Path, hours: int) -> bytes:
    """An MP4 with a frame an hour."""
    path = folder / "long.mp4"
    run("-f", "lavfi", "-i", f"color=size=64x64:rate=1/3600:duration={3600 * hours}", str(path))
    return path.read_bytes()


def zeros(size: int) -> Iterator[bytes]:
    """Zeros in pieces."""
    for _ in range(size // MIB):
        yield bytes(MIB)
