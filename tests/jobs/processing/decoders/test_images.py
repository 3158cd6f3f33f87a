"""What is made of images, by the program that the worker runs."""

from __future__ import annotations

import pytest
import pyvips

from jobs.processing.decoders.protocol import Bounds, Made
from jobs.processing.recipes import Wishes
from tests.helpers.media import FORMATS, colour, encoded, is_near, opened, photo
from tests.jobs.processing.decoders.bombs import webp
from tests.jobs.processing.decoders.children import Decoder, finished

RED, BLUE, WHITE = [255, 0, 0], [0, 0, 255], [255, 255, 255]


@pytest.mark.parametrize("detected", FORMATS)
def test_a_thumbnail_and_a_web_size_are_made_of_each_format(decode: Decoder, detected: str) -> None:
    decoded = decode(detected, encoded(photo(2000, 1000), detected))
    assert finished(decoded)
    assert (decoded.probe.width, decoded.probe.height, decoded.probe.pages) == (2000, 1000, 1)
    assert decoded.made == {"thumbnail": Made("thumbnail", 320, 160), "web": Made("web", 1600, 800)}
    for name, (width, height) in {"thumbnail": (320, 160), "web": (1600, 800)}.items():
        image = opened(decoded.path(name))
        assert image.get("vips-loader") == "webpload"
        assert (image.width, image.height) == (width, height)
        assert is_near(colour(image, 0.1, 0.1), RED)
        assert is_near(colour(image, 0.9, 0.1), BLUE)
        assert is_near(colour(image, 0.9, 0.9), WHITE)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_are_made_upright(decode: Decoder, orientation: int) -> None:
    """The file is turned by libvips, as a camera would, so that it is shown like the photo."""
    turned = {
        1: photo(),
        2: photo().fliphor(),
        3: photo().rot180(),
        4: photo().flipver(),
        5: photo().rot90().fliphor(),
        6: photo().rot270(),
        7: photo().rot270().fliphor(),
        8: photo().rot90(),
    }[orientation].copy()
    turned.set_type(pyvips.GValue.gint_type, "orientation", orientation)
    decoded = decode("image/jpeg", encoded(turned))
    assert (decoded.probe.width, decoded.probe.height) == (400, 200)
    assert decoded.made["thumbnail"] == Made("thumbnail", 320, 160)
    for name in ("thumbnail", "web"):
        image = opened(decoded.path(name))
        assert image.get_typeof("orientation") == 0 or image.get("orientation") == 1
        assert is_near(colour(image, 0.1, 0.9), RED)
        assert is_near(colour(image, 0.9, 0.1), BLUE)
        assert is_near(colour(image, 0.9, 0.9), WHITE)


def test_metadata_is_removed(decode: Decoder) -> None:
    image = photo().copy()
    for name, value in {
        "exif-ifd0-Make": "SpyCamera",
        "exif-ifd0-ImageDescription": "AtHomeInBed",
        "exif-ifd3-GPSLatitude": "52/1 31/1 7/1",
        "exif-ifd3-GPSMapDatum": "WGS-84-HERE",
    }.items():
        image.set_type(pyvips.GValue.gstr_type, name, value)
    content = encoded(image)
    marks = (b"SpyCamera", b"AtHomeInBed", b"WGS-84-HERE")
    assert all(mark in content for mark in marks)
    decoded = decode("image/jpeg", content, wishes=Wishes(avif=True))
    assert set(decoded.made) == {"thumbnail", "web", "avif"}
    for name in decoded.made:
        made = decoded.path(name).read_bytes()
        assert not any(mark in made for mark in marks)
        assert b"Exif" not in made
        assert not any(field.startswith("exif") for field in opened(decoded.path(name)).get_fields())


def test_colours_of_a_profile_become_srgb(decode: Decoder) -> None:
    """In Display P3, this green is written with other numbers than in sRGB."""
    wide = photo().icc_transform("p3", input_profile="srgb")
    content = encoded(wide, "image/png", profile="p3")
    assert not is_near(colour(wide, 0.1, 0.1), RED, most=10)
    image = opened(decode("image/png", content).path("web"))
    assert is_near(colour(image, 0.1, 0.1), RED, most=10)
    assert image.get_typeof("icc-profile-data") == 0


def test_cmyk_becomes_srgb(decode: Decoder) -> None:
    printed = photo().icc_transform("cmyk", input_profile="srgb")
    assert printed.bands == 4
    image = opened(decode("image/jpeg", encoded(printed)).path("web"))
    assert image.bands == 3
    red, green, blue = colour(image, 0.1, 0.1)
    assert red > 180, "as red as ink can be"
    assert max(green, blue) < 100
    assert is_near(colour(image, 0.9, 0.9), WHITE)


@pytest.mark.parametrize("detected", ["image/png", "image/webp", "image/avif"])
def test_transparency_is_kept(decode: Decoder, detected: str) -> None:
    mask = (pyvips.Image.black(200, 200) + 255).insert(pyvips.Image.black(200, 200), 200, 0, expand=True)
    image = photo().bandjoin(mask.cast("uchar")).copy(interpretation="srgb")
    for name in ("thumbnail", "web"):
        made = opened(decode(detected, encoded(image, detected)).path(name))
        assert made.bands == 4
        assert colour(made, 0.1, 0.5)[3] > 250
        assert colour(made, 0.9, 0.5)[3] < 5


def test_sixteen_bits_become_eight(decode: Decoder) -> None:
    image = (photo().cast("ushort") * 257).cast("ushort").copy(interpretation="rgb16")
    made = opened(decode("image/png", encoded(image, "image/png")).path("web"))
    assert made.format == "uchar"
    assert is_near(colour(made, 0.1, 0.1), RED)


def test_grey_stays_grey(decode: Decoder) -> None:
    made = opened(decode("image/png", encoded(photo().colourspace("b-w"), "image/png")).path("web"))
    red, green, blue = colour(made, 0.1, 0.1)
    assert max(red, green, blue) - min(red, green, blue) <= 4


@pytest.mark.parametrize("detected", ["image/gif", "image/webp", "image/tiff"])
def test_only_the_first_frame_is_decoded(decode: Decoder, detected: str) -> None:
    frames = photo(40, 20).join(photo(40, 20).invert(), "vertical").copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 20)
    decoded = decode(detected, encoded(frames, detected))
    assert (decoded.probe.width, decoded.probe.height, decoded.probe.pages) == (40, 20, 2)
    assert decoded.made["web"] == Made("web", 40, 20)
    assert is_near(colour(opened(decoded.path("web")), 0.1, 0.1), RED, most=40)


@pytest.mark.parametrize("detected", FORMATS)
def test_small_images_are_not_enlarged(decode: Decoder, detected: str) -> None:
    decoded = decode(detected, encoded(photo(1, 1), detected))
    assert finished(decoded)
    assert decoded.made == {"thumbnail": Made("thumbnail", 1, 1), "web": Made("web", 1, 1)}


def test_the_longest_side_decides(decode: Decoder) -> None:
    assert decode("image/png", encoded(photo(40, 4000), "image/png")).made == {
        "thumbnail": Made("thumbnail", 3, 320),
        "web": Made("web", 16, 1600),
    }


def test_what_an_earlier_attempt_made_is_skipped(decode: Decoder) -> None:
    decoded = decode("image/png", encoded(photo(), "image/png"), skip=["web"])
    assert set(decoded.made) == {"thumbnail"}
    assert [path.name for path in (decoded.folder / "out").iterdir()] == ["thumbnail.webp"]


def test_avif_is_made_by_wish(decode: Decoder) -> None:
    decoded = decode("image/jpeg", encoded(photo(2000, 1000)), wishes=Wishes(avif=True))
    assert decoded.made["avif"] == Made("avif", 1600, 800)
    assert opened(decoded.path("avif")).get("vips-loader") == "heifload"


@pytest.mark.parametrize("detected", ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"])
def test_half_a_file_is_rejected(decode: Decoder, detected: str) -> None:
    noise = pyvips.Image.gaussnoise(300, 300).cast("uchar")
    content = encoded(noise.bandjoin([noise, noise]).copy(interpretation="srgb"), detected)
    decoded = decode(detected, content[: len(content) // 2])
    assert decoded.rejected is not None
    assert "damaged" in decoded.rejected
    assert decoded.returncode == 0
    assert not decoded.made


@pytest.mark.parametrize("detected", FORMATS)
def test_a_file_of_another_format_is_rejected(decode: Decoder, detected: str) -> None:
    other = "image/png" if detected != "image/png" else "image/gif"
    decoded = decode(detected, encoded(photo(), other))
    assert decoded.rejected is not None
    assert decoded.rejected.endswith("it is damaged, or of another format.")


def test_too_many_pixels_or_frames_are_rejected(decode: Decoder) -> None:
    decoded = decode("image/png", encoded(photo(), "image/png"), bounds=Bounds(max_pixels=79_999))
    assert decoded.rejected == "The image has 400 by 200 pixels; at most 79,999 are allowed in all."
    frames = photo(40, 20).join(photo(40, 20).invert(), "vertical").copy()
    frames.set_type(pyvips.GValue.gint_type, "page-height", 20)
    decoded = decode("image/gif", encoded(frames, "image/gif"), bounds=Bounds(max_frames=1))
    assert decoded.rejected == "The image has 2 frames or pages; at most 1 are allowed."


def test_the_first_format_of_a_polyglot_is_decoded_and_the_rest_is_lost(decode: Decoder) -> None:
    secret = b"<?php system($_GET['c']); ?>"
    for detected in FORMATS:
        decoded = decode(detected, encoded(photo(), detected) + secret)
        assert finished(decoded), detected
        assert all(secret not in decoded.path(name).read_bytes() for name in decoded.made)


@pytest.mark.parametrize(
    "content",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><rect width='9' height='9'/></svg>",
        b"%PDF-1.4\n",
        b"GIF89a" + bytes(20) + b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
        b"\x89PNG\r\n\x1a\n<!DOCTYPE html><script>alert(1)</script>",
        b"P6 1 1 255 \0\0\0",
        b"",
    ],
    ids=["svg", "pdf", "gif and pdf", "png and html", "ppm", "nothing"],
)
def test_what_is_no_image_is_rejected(decode: Decoder, content: bytes) -> None:
    for detected in FORMATS:
        decoded = decode(detected, content)
        assert decoded.rejected is not None
        assert decoded.returncode == 0


def test_a_large_canvas_is_decoded_without_a_temporary_file(decode: Decoder) -> None:
    """libvips would write one above 100 MB, for which there is no room in a sandbox."""
    assert set(decode("image/webp", webp(6000)).made) == {"thumbnail", "web"}
