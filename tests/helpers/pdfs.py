"""PDFs that the tests make (ISO 32000-1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from hashlib import md5

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_ID = bytes(range(16))
_FIRST_PAGE = 4
"""Number of the object of the first page; its content follows it."""


def pdf(
    pages: int = 2,
    *,
    size: tuple[int, int] = (612, 792),
    content: bytes | None = None,
    content_from: int = 1,
    password: bytes | None = None,
) -> bytes:
    """A PDF with the text "Page 1 of Haulage", and so on, above a red rectangle in the lower left quarter of each page.

    `size` is in points of 1/72 inch. `content` is the content stream of each page from `content_from` on, made by
    `stream`. With `password`, even an empty one, it is encrypted with 40 bits.
    """
    width, height = size
    kids = b" ".join(b"%d 0 R" % (_FIRST_PAGE + 2 * index) for index in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for index in range(pages):
        number = _FIRST_PAGE + 2 * index
        label = b"BT /F1 24 Tf 72 %d Td (Page %d of Haulage) Tj ET" % (height - 92, index + 1)
        drawing = label + b" 1 0 0 rg 0 0 %d %d re f" % (width // 2, height // 2)
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents %d 0 R" % (width, height, number + 1)
        objects.append(page + b" /Resources << /Font << /F1 3 0 R >> >> >>")
        if password is not None:
            drawing = _rc4(md5(_key(password) + (number + 1).to_bytes(3, "little") + bytes(2)).digest()[:10], drawing)
        objects.append(stream(drawing) if content is None or index + 1 < content_from else content)
    if password is None:
        return _written(objects)
    owner, user, file_id = (
        entry.hex().encode() for entry in (_owner_entry(password), _rc4(_key(password), _PADDING), _ID)
    )
    encrypt = b"<< /Filter /Standard /V 1 /R 2 /P -1 /O <%s> /U <%s> >>" % (owner, user)
    trailer = b"/Encrypt %d 0 R /ID [<%s> <%s>] " % (len(objects) + 1, file_id, file_id)
    return _written([*objects, encrypt], trailer)


def stream(data: bytes, filters: Sequence[str] = ()) -> bytes:
    """A stream object; `data` is encoded by the filters already."""
    names = " ".join(f"/{name}" for name in filters).encode()
    return b"<< /Length %d /Filter [%s] >>\nstream\n%s\nendstream" % (len(data), names, data)


def deflated(pieces: Iterable[bytes]) -> bytes:
    """The pieces, compressed one after the other, so that they need not be in memory together."""
    compressor = zlib.compressobj(1)
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def _written(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    parts = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"]
    offsets = []
    size = len(parts[0])
    for number, content in enumerate(objects, 1):
        offsets.append(size)
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
        size += len(parts[-1])
    rows = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    parts.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows))
    parts.append(b"trailer\n<< /Size %d /Root 1 0 R %s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, size))
    return b"".join(parts)


def _padded(password: bytes) -> bytes:
    return (password + _PADDING)[:32]


def _owner_entry(password: bytes) -> bytes:
    """Algorithm 3, with the same password for owner and user."""
    return _rc4(md5(_padded(password)).digest()[:5], _padded(password))


def _key(password: bytes) -> bytes:
    """Algorithm 2, for permissions of -1."""
    return md5(_padded(password) + _owner_entry(password) + b"\xff\xff\xff\xff" + _ID).digest()[:5]


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    result = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        result.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(result)
