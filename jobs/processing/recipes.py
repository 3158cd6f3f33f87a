"""What is made of a file: from its detected type, the wishes of its uploader and a probe of it to a list of outputs.

The worker and its child processes use the same functions, so that they plan the same outputs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from jobs.files.states import Role

THUMBNAIL_SIDE = 320
"""Longest side of a thumbnail, in pixels. No output is larger than its source."""
WEB_SIDE = 1600
"""Longest side of a web-sized image and of the page of a PDF, in pixels."""
POSTER_SIDE = 854
"""Longest side of a video's poster, in pixels: that of the video in 480p."""
VIDEO_SIDE = 480
"""Shorter side of a converted video, in pixels."""
DEFAULT_PAGES = 5
"""Pages of a PDF of which images are made unless the uploader wishes otherwise."""
MAX_PAGES = 20
"""Most pages of a PDF of which images are made."""
MAX_TEXT = 10 * 1024 * 1024
"""Most bytes of text that are extracted from a PDF."""

IMAGE, PDF, VIDEO = "image", "pdf", "video"
"""The decoders, by the names of their modules in `jobs.processing.decoders`."""

_DECODERS = {
    "image/jpeg": IMAGE,
    "image/png": IMAGE,
    "image/webp": IMAGE,
    "image/gif": IMAGE,
    "image/tiff": IMAGE,
    "image/avif": IMAGE,
    "image/heic": IMAGE,
    "application/pdf": PDF,
    "video/mp4": VIDEO,
    "video/x-m4v": VIDEO,
    "video/quicktime": VIDEO,
    "video/webm": VIDEO,
    "video/x-matroska": VIDEO,
}


class OnError(StrEnum):
    """What becomes of a processing job if an output cannot be made."""

    KEEP = "keep"
    """The job completes with the other outputs."""
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the uploader asked for."""

    avif: bool = False
    """Also make the web-sized image as AVIF, which takes three times the CPU of WebP."""
    pages: int = DEFAULT_PAGES
    """Pages of a PDF of which images are made, 0 to `MAX_PAGES`."""
    on_error: OnError = OnError.KEEP

    def __post_init__(self) -> None:
        if not 0 <= self.pages <= MAX_PAGES:
            raise ValueError(f"pages must be 0 to {MAX_PAGES}.")

    def as_json(self) -> dict[str, Any]:
        return {"avif": self.avif, "pages": self.pages, "onError": self.on_error.value}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Wishes:
        """The wishes that `as_json` wrote; what is missing has its default. Raises ValueError for pages out of range."""
        return cls(
            avif=bool(value.get("avif", False)),
            pages=int(value.get("pages", DEFAULT_PAGES)),
            on_error=OnError(value.get("onError", OnError.KEEP)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What a decoder found in the header of a file."""

    width: int | None = None
    """Pixels, as the image is shown: after rotation. Of a PDF, none."""
    height: int | None = None
    pages: int | None = None
    """Pages of a PDF or TIFF, frames of an animation."""
    duration: float | None = None
    """Seconds of a video; none if unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """A file that is made of the source."""

    name: str
    """Unique among the outputs of a job, and the same in every attempt: `thumbnail`, `page-1`."""
    role: Role
    content_type: str
    suffix: str
    """What its file name ends with: `.webp`."""
    side: int | None = None
    """Longest side in pixels; of a video, the shorter one. None where there is no picture."""
    page: int | None = None
    """Page of a PDF that it shows, from 1."""


def decoder_of(detected: str | None) -> str | None:
    """`image`, `pdf` or `video`, which is also the value of the job's kind; none if nothing is made of this type."""
    return None if detected is None else _DECODERS.get(detected)


def first_outputs(detected: str, wishes: Wishes) -> list[Output]:
    """The outputs that are known before the file has been probed."""
    match decoder_of(detected):
        case "image":
            return list(_of_image(wishes))
        case "pdf":
            return list(_of_pdf(min(1, wishes.pages)))
        case "video":
            return list(_of_video())
        case _:
            return []


def outputs(detected: str, wishes: Wishes, probe: Probe) -> list[Output]:
    """All outputs of the file; the first ones are those of `first_outputs`, in the same order."""
    if decoder_of(detected) == PDF:
        return list(_of_pdf(min(wishes.pages, probe.pages or 0)))
    return first_outputs(detected, wishes)


def _webp(name: str, role: Role, side: int, page: int | None = None) -> Output:
    return Output(name=name, role=role, content_type="image/webp", suffix=".webp", side=side, page=page)


def _of_image(wishes: Wishes) -> Iterator[Output]:
    yield _webp("thumbnail", Role.THUMBNAIL, THUMBNAIL_SIDE)
    yield _webp("web", Role.WEB, WEB_SIDE)
    if wishes.avif:
        yield Output(name="avif", role=Role.WEB, content_type="image/avif", suffix=".avif", side=WEB_SIDE)


def _of_pdf(pages: int) -> Iterator[Output]:
    yield _webp("thumbnail", Role.THUMBNAIL, THUMBNAIL_SIDE, page=1)
    yield Output(name="text", role=Role.TEXT, content_type="text/plain; charset=utf-8", suffix=".txt")
    for page in range(1, pages + 1):
        yield _webp(f"page-{page}", Role.PAGE, WEB_SIDE, page=page)


def _of_video() -> Iterator[Output]:
    yield _webp("poster", Role.POSTER, POSTER_SIDE)
    yield Output(name="video", role=Role.VIDEO, content_type="video/mp4", suffix=".mp4", side=VIDEO_SIDE)
