"""What a worker and a child that decodes a file say to each other.

The child is started in a folder with the file `source`. It reads one line of JSON, the `Request`, from its standard input,
and writes what it makes to `out/{name}{suffix}`. On its standard output it reports events, a line of JSON each: first
`Probed`, then for each output `Started`, any number of `Progress`, and `Made`, `Omitted` or `Failed`. The last line is
`Done`, or `Rejected`, which may be the only one.

A child may have been taken over by the file that it decodes. So `parse_event` accepts only events of this form and of
bounded size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jobs.processing.recipes import Probe, Wishes

SOURCE: Final = "source"
"""Name of the file to decode, in the folder of the child."""
OUT: Final = "out"
"""Name of the folder of the outputs there."""
MAX_LINE: Final = 4096
"""Most bytes of a line that a child writes."""
MAX_REASON: Final = 500
"""Most characters of a reason."""
_MAX_NUMBER: Final = 1 << 53
"""Numbers of a child stay below this, so that PostgreSQL and JavaScript can hold them."""


class BrokenEvent(ValueError):
    """A line of a child is no event of this protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What a child decodes at most."""

    max_pixels: int = 100_000_000
    """Pixels of a picture: width times height."""
    max_frames: int = 2000
    """Frames of an animation, or pages of a TIFF."""
    max_pages: int = 5_000
    """Pages of a PDF."""
    max_seconds: float = 4 * 3600.0
    """Seconds that a video plays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a child is to do."""

    detected: str
    """The media type that the first bytes of the file have."""
    wishes: Wishes = field(default_factory=Wishes)
    skip: frozenset[str] = frozenset()
    """Names of outputs that need not be made: an earlier attempt did."""
    bounds: Bounds = field(default_factory=Bounds)
    ffmpeg: str | None = None
    """Path of the ffmpeg program. Videos only."""


@dataclass(frozen=True, slots=True)
class Probed:
    probe: Probe


@dataclass(frozen=True, slots=True)
class Started:
    output: str


@dataclass(frozen=True, slots=True)
class Progress:
    output: str
    done: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Made:
    """The output is complete in its file."""

    output: str
    width: int | None = None
    """Pixels of a picture or video."""
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Omitted:
    """There is nothing to make the output of, which is no error: a scanned PDF has no text."""

    output: str
    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """This output cannot be made; others may."""

    output: str
    reason: str
    """A sentence for people."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """The whole file cannot be decoded. The last event."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Every output was made, omitted or failed. The last event."""


Event = Probed | Started | Progress | Made | Omitted | Failed | Rejected | Done


def encode_request(request: Request) -> bytes:
    """A line of JSON, without its end."""
    bounds = request.bounds
    return json.dumps(
        {
            "type": request.detected,
            "wishes": request.wishes.as_json(),
            "skip": sorted(request.skip),
            "limits": {
                "maxPixels": bounds.max_pixels,
                "maxFrames": bounds.max_frames,
                "maxPages": bounds.max_pages,
                "maxSeconds": bounds.max_seconds,
            },
            "ffmpeg": request.ffmpeg,
        }
    ).encode()


def parse_request(line: bytes) -> Request:
    """The inverse of `encode_request`. The line comes from the worker, so it is trusted."""
    value = json.loads(line)
    limits = value["limits"]
    return Request(
        detected=value["type"],
        wishes=Wishes.from_json(value["wishes"]),
        skip=frozenset(value["skip"]),
        bounds=Bounds(
            max_pixels=limits["maxPixels"],
            max_frames=limits["maxFrames"],
            max_pages=limits["maxPages"],
            max_seconds=limits["maxSeconds"],
        ),
        ffmpeg=value.get("ffmpeg"),
    )


def encode_event(event: Event) -> bytes:
    """A line of JSON, without its end."""
    match event:
        case Probed(probe):
            value: dict[str, Any] = {
                "width": probe.width,
                "height": probe.height,
                "pages": probe.pages,
                "duration": probe.duration,
            }
        case Started(output):
            value = {"output": output}
        case Progress(output, done):
            value = {"output": output, "done": round(done, 4)}
        case Made(output, width, height):
            value = {"output": output, "width": width, "height": height}
        case Omitted(output, reason) | Failed(output, reason):
            value = {"output": output, "reason": reason[:MAX_REASON]}
        case Rejected(reason):
            value = {"reason": reason[:MAX_REASON]}
        case Done():
            value = {}
    return json.dumps({"event": type(event).__name__.lower(), **value}).encode()


def parse_event(line: bytes) -> Event:
    """The event of a line. Raises `BrokenEvent` if it is none, or one with values that none has."""
    if len(line) > MAX_LINE:
        raise BrokenEvent(f"A line of {len(line)} bytes; at most {MAX_LINE} are allowed.")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenEvent("A line is not JSON.") from error
    if not isinstance(value, dict) or value.get("event") not in list(_EVENTS):
        raise BrokenEvent("A line is no event of the protocol.")
    make, names = _EVENTS[value["event"]]
    return make(*(_VALUES[name](name, value.get(name)) for name in names))


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_REASON or not value.isprintable():
        raise BrokenEvent(f"{name} is not a short line of text.")
    return value


def _share(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BrokenEvent(f"{name} is not a number from 0 to 1.")
    return float(value)


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MAX_NUMBER:
        raise BrokenEvent(f"{name} is not a number of seconds.")
    return float(value)


def _count(name: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_NUMBER:
        raise BrokenEvent(f"{name} is not a whole number.")
    return value


def _probed(width: int | None, height: int | None, pages: int | None, duration: float | None) -> Probed:
    return Probed(Probe(width=width, height=height, pages=pages, duration=duration))


_VALUES: Mapping[str, Callable[[str, object], Any]] = {
    "output": _text,
    "reason": _text,
    "done": _share,
    "width": _count,
    "height": _count,
    "pages": _count,
    "duration": _seconds,
}
"""How each value of an event is checked."""
_EVENTS: Mapping[str, tuple[Callable[..., Event], Sequence[str]]] = {
    "probed": (_probed, ("width", "height", "pages", "duration")),
    "started": (Started, ("output",)),
    "progress": (Progress, ("output", "done")),
    "made": (Made, ("output", "width", "height")),
    "omitted": (Omitted, ("output", "reason")),
    "failed": (Failed, ("output", "reason")),
    "rejected": (Rejected, ("reason",)),
    "done": (Done, ()),
}
"""What each event is made of."""
