"""Files as people upload them: images, PDFs and videos, some of them damaged, and some that are not what they claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyvips

from tests.bench.images import photo
from tests.helpers import pdfs
from tests.helpers.media import encoded
from tests.helpers.videos import run, video


class Nature(Enum):
    """What a file is, which decides how its processing has to end."""

    VALID = "valid"
    """Everything is made of it."""
    DAMAGED = "damaged"
    """It is stored. What can be made of it is made, and the rest has a reason."""
    LYING = "lying"
    """Its upload is refused: it is not of the type that its name says."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file to upload."""

    name: str
    content: bytes
    nature: Nature = Nature.VALID


FILM_PIECE = 5
"""Seconds of a video that it repeats."""
SHARES = {
    "jpg": 16,
    "png": 7,
    "webp": 6,
    "gif": 4,
    "tif": 1,
    "avif": 1,
    "pdf": 8,
    "video": 2,
    "damaged": 3,
    "lying": 2,
}
"""Files of each sort in 50. Those of one sort come in turn."""


def mixed(folder: Path, count: int) -> list[Sample]:
    """So many files, in the same order each time. `folder` is for videos while they are made."""
    sorts = {sort: cycle(samples) for sort, samples in _sorts(folder).items()}
    order = [
        sort for _, sort in sorted((place / share, sort) for sort, share in SHARES.items() for place in range(share))
    ]
    files = (next(sorts[sort]) for sort in cycle(order))
    return [
        Sample(f"{number}-{sample.name}", sample.content, sample.nature)
        for number, sample in enumerate(islice(files, count))
    ]


def _sorts(folder: Path) -> Mapping[str, Sequence[Sample]]:
    """The different files of each sort."""
    large = photo(4000, 3000)
    small = large.resize(0.4).cast("uchar").copy(interpretation="srgb").copy_memory()
    valid = {
        "jpg": [
            Sample("photo.jpg", encoded(large, Q=88)),
            Sample("progressive.jpg", encoded(small, Q=88, interlace=True)),
            Sample("turned.jpg", encoded(_turned(small), Q=88)),
            Sample("grey.jpg", encoded(small.colourspace("b-w"), Q=88)),
            Sample("print.jpg", encoded(small.icc_transform("cmyk", input_profile="srgb"), Q=88)),
        ],
        "png": [
            Sample("screen.png", encoded(small, "image/png", compression=1)),
            Sample("palette.png", encoded(small, "image/png", palette=True, compression=1)),
            Sample("transparent.png", encoded(small.bandjoin(200), "image/png", compression=1)),
            Sample("deep.png", encoded(_deep(small), "image/png", compression=1)),
        ],
        "webp": [
            Sample("lossy.webp", encoded(small, "image/webp", Q=80, effort=0)),
            Sample("lossless.webp", encoded(small.resize(0.5), "image/webp", lossless=True, effort=0)),
        ],
        "gif": [Sample("animated.gif", encoded(_animation(small), "image/gif", effort=1))],
        "tif": [Sample("scan.tif", encoded(small, "image/tiff", compression="lzw"))],
        "avif": [Sample("phone.avif", encoded(small, "image/avif", effort=0))],
        "pdf": [Sample(f"{pages}-pages.pdf", document(pages)) for pages in (1, 3, 8, 20)],
        "video": [
            Sample(f"film{suffix}", video(folder / f"film{suffix}", size="1280x720", seconds=3).read_bytes())
            for suffix in (".mp4", ".mov", ".mkv")
        ],
    }
    jpeg, png, gif, pdf, film = (valid[sort][0].content for sort in ("jpg", "png", "gif", "pdf", "video"))
    broken = {
        "cut.jpg": _half(jpeg),
        "cut.png": _half(png),
        "overwritten.png": png[: len(png) // 2] + bytes(1000) + png[len(png) // 2 + 1000 :],
        "cut.gif": _half(gif),
        "cut.pdf": _half(document(8)),
        "empty.pdf": pdf[:40],
        "cut.mp4": _half(film),
        "header.jpg": jpeg[:300],
    }
    lies = {
        "page.png": b"<!DOCTYPE html><script>alert(1)</script>",
        "program.jpg": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\x3e\x00" + bytes(1000),
        "picture.pdf": png,
        "film.jpg": film,
        "document.mp4": pdf,
    }
    return valid | {
        "damaged": [Sample(name, content, Nature.DAMAGED) for name, content in broken.items()],
        "lying": [Sample(name, content, Nature.LYING) for name, content in lies.items()],
    }


def document(pages: int) -> bytes:
    """A PDF with 55 lines of text on each page."""
    lines = (
        f"BT /F1 11 Tf 60 {760 - 13 * line} Td (Line {line} of a page that somebody has written.) Tj ET"
        for line in range(55)
    )
    return pdfs.pdf(pages, content=pdfs.stream(" ".join(lines).encode()))


def scanned(pages: int) -> bytes:
    """A PDF with a scan of 150 dpi on each page, as an inline image (ISO 32000-1, 8.9.7)."""
    width, height = 1240, 1754
    jpeg = encoded(photo(width, height), Q=75)
    image = b"BI /W %d /H %d /CS /RGB /BPC 8 /F /DCT ID " % (width, height) + jpeg + b"\nEI"
    return pdfs.pdf(pages, content=pdfs.stream(b"q 612 0 0 792 0 0 cm " + image + b" Q"))


def film(folder: Path, repetitions: int) -> bytes:
    """A video with 1080 lines as phones make it: H.264 with 8 Mbit/s, 30 frames a second, every pixel moving, and sound.

    It has the same 5 seconds again and again.
    """
    once, path = folder / "once.mp4", folder / "film.mp4"
    run(
        *("-f", "lavfi", "-i", f"testsrc2=size=1920x1080:rate=30:duration={FILM_PIECE},noise=alls=12:allf=t"),
        *("-f", "lavfi", "-i", f"sine=duration={FILM_PIECE}"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-b:v", "8M", "-pix_fmt", "yuv420p", str(once)),
    )
    run("-stream_loop", f"{repetitions - 1}", "-i", str(once), "-c", "copy", str(path))
    return path.read_bytes()


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def _turned(image: Any) -> Any:
    """As a camera writes what it has taken upright."""
    turned = image.rot270().copy_memory().copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", 6)
    return turned


def _deep(image: Any) -> Any:
    return (image.resize(0.5).cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")


def _animation(image: Any) -> Any:
    """Eight frames, each a little further to the right."""
    frames = [image.crop(8 * number, 0, 320, 180) for number in range(8)]
    animation = pyvips.Image.arrayjoin(frames, across=1).copy_memory().copy()
    animation.set_type(pyvips.GValue.gint_type, "page-height", 180)
    return animation
