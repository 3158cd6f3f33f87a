"""Reads `multipart/form-data` (RFC 7578) while it arrives: first the fields, then the bytes of the one file.

Starlette's own parser reads a form to its end before a handler runs, and writes files to the disk.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from app.problems import BodyTooLarge, UnsupportedMediaType
from app.requests import summary
from jobs.errors import InvalidRequest

MAX_FIELD_BYTES = 64 * 1024
"""Bytes of all fields together."""
MAX_FORM_PARTS = 200
"""Fields, also empty ones, and the file."""
_REPEATED = frozenset({"groups"})
"""Fields that may be sent several times."""
_UNCODED = frozenset({"", "7bit", "8bit", "binary"})
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
"""RFC 2046, section 5.1.1."""


@dataclass(frozen=True, slots=True)
class FormHead:
    """What comes before the bytes of the file."""

    fields: dict[str, str | list[str]]
    file_name: str
    """As the client sent it."""
    content_type: str | None


class FormReader:
    """Reads one form with one file. Holds no more of it than one chunk of the request and the fields."""

    def __init__(self, request: Request, fields: Collection[str], max_bytes: int) -> None:
        """`fields`: the names of the fields that a form may have. `max_bytes`: of the body.

        Raises `BodyTooLarge` for an announced length above `max_bytes`, and `UnsupportedMediaType` for other bodies.
        """
        media_type, options = parse_options_header(request.headers.get("content-type"))
        if media_type != b"multipart/form-data":
            sent = media_type.decode("latin-1")
            raise UnsupportedMediaType(
                "The body must be multipart/form-data"
                + (f", not {sent}." if sent else ": set the Content-Type header.")
            )
        boundary = options.get(b"boundary", b"").decode("latin-1")
        if _BOUNDARY.fullmatch(boundary) is None:
            raise _wrong("Content-Type", "must have a boundary of 1 to 70 characters (RFC 2046, section 5.1.1)")
        length = request.headers.get("content-length", "")
        self._max_bytes = max_bytes
        if length.isdecimal():
            self._count(int(length))
        self._chunks = request.stream()
        self._parts = _Parts(fields)
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._parts.begin,
                "on_header_field": self._parts.header_name,
                "on_header_value": self._parts.header_value,
                "on_header_end": self._parts.header_end,
                "on_headers_finished": self._parts.headers_finished,
                "on_part_data": self._parts.data,
                "on_part_end": self._parts.end,
                "on_end": self._parts.finish,
            },
        )
        self._received = 0

    async def head(self) -> FormHead:
        """Reads up to the first bytes of the file. Raises `InvalidRequest`, `BodyTooLarge`, `ClientDisconnect`."""
        while self._parts.file_name is None:
            if not await self._read():
                raise InvalidRequest(
                    "The form has no file: one of its parts needs a file name, as curl -F file=@path sends it.",
                    [("file", "is required")],
                )
        return FormHead(self._parts.fields, self._parts.file_name, self._parts.content_type)

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the file. Ends normally only if the whole form was valid.

        Raises `InvalidRequest` for whatever follows the file, and for a form that is cut off; `BodyTooLarge`; and
        `ClientDisconnect`.
        """
        while True:
            while self._parts.content:
                yield self._parts.content.popleft()
            if not await self._read():
                return

    async def _read(self) -> bool:
        """Parses the next chunk of the body. Returns whether there was one."""
        async for chunk in self._chunks:
            self._received += len(chunk)
            self._count(self._received)
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidRequest(
                    f"The body is not valid multipart/form-data: {error}. Nothing was stored."
                ) from error
            return True
        if not self._parts.is_finished:
            raise InvalidRequest("The form ends before its closing boundary: it was cut off. Nothing was stored.")
        return False

    def _count(self, size: int) -> None:
        if size > self._max_bytes:
            raise BodyTooLarge(
                f"The form is larger than {self._max_bytes:,} bytes (MAX_FORM_BYTES). Send larger files with"
                " `haulage upload`, or by POST /v1/upload."
            )


def _wrong(field: str, rule: str) -> InvalidRequest:
    problem = (field or "name", rule)
    return InvalidRequest(f"{summary('form', [problem])} Nothing was stored.", [problem])


class _Parts:
    """The callbacks of the parser: what was found so far. They raise `InvalidRequest`."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self.fields: dict[str, str | list[str]] = {}
        self.file_name: str | None = None
        self.content_type: str | None = None
        self.content: deque[bytes] = deque()
        """Bytes of the file that were parsed and not yet taken."""
        self.is_finished = False
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._field = ""
        self._is_file = self._is_blank = False
        self._text = bytearray()
        self._text_bytes = 0
        self._count = 0

    def begin(self) -> None:
        self._count += 1
        if self._count > MAX_FORM_PARTS:
            raise InvalidRequest(f"A form may have {MAX_FORM_PARTS} parts at most. Nothing was stored.")
        self._headers = {}
        self._is_file = self._is_blank = False
        self._text = bytearray()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._field = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._begin_file(options[b"filename"])
        elif self.file_name is not None:
            raise _wrong(self._field, "must come before the file")
        elif self._field not in self._known:
            raise _wrong(self._field, f"is unknown: a form has the fields {', '.join(sorted(self._known))}, and a file")

    def _begin_file(self, name: bytes) -> None:
        if not name:
            self._is_blank = True  # a browser's, where nothing was selected
            return
        if self.file_name is not None:
            raise _wrong(self._field, "is a second file: send each in a request of its own")
        coding = self._headers.get(b"content-transfer-encoding", b"").decode("latin-1").strip().lower()
        if coding not in _UNCODED:
            raise _wrong(
                self._field, f"has the Content-Transfer-Encoding {coding[:20]!r}: send its bytes as they are (RFC 7578)"
            )
        self._is_file = True
        self.file_name = name.decode(errors="replace")
        self.content_type = self._headers.get(b"content-type", b"").decode("latin-1").strip() or None

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.content.append(data[start:end])
            return
        if self._is_blank:
            raise _wrong(self._field, "is a file without a name: send its file name")
        self._text_bytes += end - start
        if self._text_bytes > MAX_FIELD_BYTES:
            raise _wrong(self._field, f"is too long: all fields together may have {MAX_FIELD_BYTES:,} bytes")
        self._text += data[start:end]

    def end(self) -> None:
        if self._is_file or self._is_blank:
            return
        try:
            value = self._text.decode()
        except UnicodeDecodeError:
            raise _wrong(self._field, "must be UTF-8") from None
        if self._field in _REPEATED:
            values = self.fields.setdefault(self._field, [])
            assert isinstance(values, list)
            values.append(value)
        elif self._field in self.fields:
            raise _wrong(self._field, "must be sent once")
        else:
            self.fields[self._field] = value

    def finish(self) -> None:
        self.is_finished = True
