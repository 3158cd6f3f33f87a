"""Parses event streams (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")
_BOM = "\ufeff"


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """One event. `id` is None if the event has no id of its own, which `EventSource` does not expose."""

    type: str
    data: str
    id: str | None


class EventStreamParser:
    """Parses bytes into events, wherever they are cut. `retry`: the last reconnection time sent, in milliseconds."""

    def __init__(self) -> None:
        self.retry: int | None = None
        self.comments = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._started = False
        self._ends_with_cr = False
        self._rest = ""
        self._clear()

    def _clear(self) -> None:
        self._type = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        """Yields the events that these bytes complete."""
        for line in self._lines(self._decoder.decode(data)):
            if line:
                self._parse_field(line)
                continue
            if self._data:
                yield StreamEvent(self._type or "message", "\n".join(self._data), self._id)
            self._clear()

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        if not self._started:
            self._started = True
            text = text.removeprefix(_BOM)
        if self._ends_with_cr:
            text = text.removeprefix("\n")  # the second half of a CR LF
        self._ends_with_cr = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return lines

    def _parse_field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments += 1
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value)
