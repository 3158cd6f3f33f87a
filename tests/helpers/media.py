"""Images that the tests make, and what is read of those that Haulage made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyvips

FORMATS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/avif": ".avif",
}
"""The image formats of which outputs are made, each with the suffix that libvips writes it by."""


def photo(width: int = 400, height: int = 200) -> Any:
    """An image of libvips: its left half is red, its right half is blue, and its lower right quarter is white."""
    left = _plain(width, height, [255, 0, 0])
    blue = _plain(width - width // 2, height, [0, 0, 255])
    white = _plain(width - width // 2, height - height // 2, [255, 255, 255])
    image = left.insert(blue, width // 2, 0).insert(white, width // 2, height // 2)
    return image.cast("uchar").copy(interpretation="srgb")


def _plain(width: int, height: int, colour: list[int]) -> Any:
    return pyvips.Image.black(width, height, bands=len(colour)).linear(1, colour)


def encoded(image: Any, detected: str = "image/jpeg", **options: Any) -> bytes:
    """The image as a file of this type."""
    content: bytes = image.write_to_buffer(FORMATS[detected], **options)
    return content


def opened(path: Path) -> Any:
    """The image in this file."""
    return pyvips.Image.new_from_file(str(path))


def colour(image: Any, across: float, down: float) -> list[int]:
    """The colour at this place, each from 0 to 1."""
    x, y = int(across * (image.width - 1)), int(down * (image.height - 1))
    return [round(band) for band in image.getpoint(x, y)]


def is_near(found: list[int], expected: list[int], most: int = 24) -> bool:
    """Whether two colours differ by no more than lossy compression brings."""
    return len(found) == len(expected) and all(abs(a - b) <= most for a, b in zip(found, expected, strict=True))
