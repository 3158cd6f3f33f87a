"""What is made of HEIC: with the package `pillow-heif` as of other images, and without it nothing, which is said."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pillow_heif
import pytest

from jobs.processing.decoders.protocol import OUT, SOURCE, Bounds, Made, Rejected, Request, encode_request, parse_event
from jobs.processing.recipes import Wishes
from jobs.uploads.content_types import detect
from tests.helpers.media import colour, is_near, opened, photo
from tests.jobs.processing.decoders.children import Decoder, finished
from tests.jobs.processing.decoders.sandboxed import Confined

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


def heic(image: Any, **options: Any) -> bytes:
    """The image as a file of HEIC."""
    mode = {3: "RGB", 4: "RGBA"}[image.bands]
    content = BytesIO()
    pillow_heif.encode(mode, (image.width, image.height), image.write_to_memory(), content, quality=90, **options)
    return content.getvalue()


def test_a_thumbnail_and_a_web_size_are_made(decode: Decoder) -> None:
    content = heic(photo(2000, 1001))
    assert detect(content[:8192]) == "image/heic"
    decoded = decode("image/heic", content)
    assert finished(decoded), decoded.stderr
    assert (decoded.probe.width, decoded.probe.height, decoded.probe.pages) == (2000, 1001, 1)
    assert decoded.made == {"thumbnail": Made("thumbnail", 320, 160), "web": Made("web", 1600, 801)}
    for name in ("thumbnail", "web"):
        image = opened(decoded.path(name))
        assert is_near(colour(image, 0.1, 0.1), RED, most=40)
        assert is_near(colour(image, 0.9, 0.1), BLUE, most=40)
        assert is_near(colour(image, 0.9, 0.9), WHITE)


def test_an_odd_width_shifts_no_lines(decode: Decoder) -> None:
    decoded = decode("image/heic", heic(photo(331, 77)))
    assert decoded.made["web"] == Made("web", 331, 77)
    assert is_near(colour(opened(decoded.path("web")), 0.98, 0.98), WHITE)


def test_images_are_made_upright_and_without_metadata(decode: Decoder) -> None:
    maker, orientation = b"\x01\x0f\0\x02\0\0\0\x0a\0\0\0\x26", b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x02" + maker + orientation + bytes(4) + b"SpyCamera\0"
    content = heic(photo().rot270(), exif=exif)
    assert b"SpyCamera" in content
    decoded = decode("image/heic", content)
    image = opened(decoded.path("web"))
    assert (decoded.probe.width, decoded.probe.height) == (image.width, image.height) == (400, 200)
    assert is_near(colour(image, 0.1, 0.1), RED, most=40)
    assert b"SpyCamera" not in decoded.path("web").read_bytes()


def test_transparency_is_kept(decode: Decoder) -> None:
    image = photo().bandjoin(photo().extract_band(0)).copy(interpretation="srgb")
    made = opened(decode("image/heic", heic(image)).path("web"))
    assert made.bands == 4
    assert colour(made, 0.1, 0.1)[3] > 250
    assert colour(made, 0.9, 0.1)[3] < 5


def test_too_many_pixels_are_refused_by_the_header(decode: Decoder) -> None:
    decoded = decode("image/heic", heic(photo(400, 200)), bounds=Bounds(max_pixels=79_999))
    assert decoded.rejected == "The image has 400 by 200 pixels; at most 79,999 are allowed in all."


@pytest.mark.parametrize("damage", ["cut", "nothing"])
def test_a_damaged_file_is_refused(decode: Decoder, damage: str) -> None:
    content = heic(photo(1000, 500))
    decoded = decode("image/heic", content[: len(content) // 2] if damage == "cut" else content[:16])
    assert decoded.rejected is not None, decoded.events
    assert "damaged" in decoded.rejected


async def test_it_is_decoded_in_each_sandbox(confined_in_each: Confined) -> None:
    decoded, _ = await confined_in_each("image/heic", heic(photo()))
    assert set(decoded.made) == {"thumbnail", "web"}


def test_without_the_package_it_says_so(tmp_path: Path) -> None:
    """A module of the name is set to None, so that importing it fails as if it were not installed."""
    (tmp_path / SOURCE).write_bytes(heic(photo()))
    (tmp_path / OUT).mkdir()
    program = "import sys, runpy; sys.modules['pillow_heif'] = None; runpy.run_module(sys.argv[1], run_name='__main__')"
    request = Request(detected="image/heic", wishes=Wishes(), skip=frozenset(), bounds=Bounds(), ffmpeg=None)
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, "jobs.processing.decoders.image"],
        cwd=tmp_path,
        input=encode_request(request) + b"\n",
        capture_output=True,
        check=True,
    )
    [event] = [parse_event(line) for line in done.stdout.splitlines()]
    assert isinstance(event, Rejected)
    assert "haulage[heic]" in event.reason
