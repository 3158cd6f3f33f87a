"""Decodes an image: its thumbnail and web sizes. Run as a program in a folder with the file `source`."""

from __future__ import annotations

import sys
from typing import Protocol

from pyvips import Error, Image

from jobs.processing.decoders.child import CannotMake, Refused, emit, make, path_of, run
from jobs.processing.decoders.protocol import SOURCE, Bounds, Made, Probed, Request
from jobs.processing.decoders.vips import allow_loader, save_avif, save_webp
from jobs.processing.recipes import Output, Probe, outputs

LOADERS = {
    "image/jpeg": "VipsForeignLoadJpeg",
    "image/png": "VipsForeignLoadPng",
    "image/webp": "VipsForeignLoadWebp",
    "image/gif": "VipsForeignLoadNsgif",
    "image/tiff": "VipsForeignLoadTiff",
    "image/avif": "VipsForeignLoadHeif",
}
"""The only loader of libvips that may open a file of each type."""
_SIDEWAYS = range(5, 9)
"""Values of the Exif tag Orientation for images that are shown with width and height swapped."""


class Source(Protocol):
    """An image file of which only the header has been read. Sizes are those of the upright image."""

    width: int
    height: int
    frames: int

    def shrunk(self, side: int) -> Image:
        """The first frame in at most `side` by `side` pixels: upright, in sRGB with 8 bits, and in memory.

        Raises `Refused` if it cannot be decoded.
        """


def decode(request: Request) -> None:
    """Makes the outputs of the request. Raises `Refused` for a file that is no image of its type, or too large."""
    source = _open(request.detected)
    _check_size(source, request.bounds)
    probe = Probe(width=source.width, height=source.height, pages=source.frames)
    emit(Probed(probe))
    planned = [one for one in outputs(request.detected, request.wishes, probe) if one.name not in request.skip]
    if not planned:
        return
    largest = source.shrunk(max(one.side or 0 for one in planned))
    for output in planned:
        make(output, lambda one: _write(one, largest))


def _open(detected: str) -> Source:
    if detected in LOADERS:
        return _VipsSource(detected)
    from jobs.processing.decoders.heic import HeicSource  # noqa: PLC0415 - its package is an extra, and takes time to load

    return HeicSource()


def _check_size(source: Source, bounds: Bounds) -> None:
    if source.frames > bounds.max_frames:
        raise Refused(f"The image has {source.frames:,} frames or pages; at most {bounds.max_frames:,} are allowed.")
    if source.width * source.height > bounds.max_pixels:
        raise Refused(
            f"The image has {source.width:,} by {source.height:,} pixels; at most {bounds.max_pixels:,} are allowed in all."
        )


class _VipsSource:
    """A file that libvips opens by the loader of its type."""

    def __init__(self, detected: str) -> None:
        allow_loader(LOADERS[detected])
        try:
            header = Image.new_from_file(SOURCE, access="sequential", fail_on="error")
        except Error as error:
            sys.stderr.write(f"{error}\n")
            name = detected.removeprefix("image/").upper()
            raise Refused(f"The file cannot be opened as {name}: it is damaged, or of another format.") from error
        sideways = header.get_typeof("orientation") and header.get("orientation") in _SIDEWAYS
        self.width, self.height = (header.height, header.width) if sideways else (header.width, header.height)
        self.frames: int = header.get("n-pages") if header.get_typeof("n-pages") else 1
        """As the header has it: `Image.get_n_pages` returns 1 for 10,000 or more."""
        self._has_profile = header.get_typeof("icc-profile-data") or header.interpretation == "cmyk"

    def shrunk(self, side: int) -> Image:
        """JPEG and WebP are shrunk while they are decoded.

        Colours are converted only if they may be others than those of sRGB: that takes more time than all else.
        """
        profile = {"export_profile": "srgb"} if self._has_profile else {}
        try:
            image = Image.thumbnail(SOURCE, side, height=side, size="down", fail_on="error", **profile)
            return image.colourspace("srgb").copy_memory()
        except Error as error:
            sys.stderr.write(f"{error}\n")
            raise Refused("The image is damaged or incomplete, so it cannot be decoded.") from error


def _write(output: Output, largest: Image) -> Made:
    side = output.side or 0
    image = largest
    if side < max(largest.width, largest.height):
        image = largest.thumbnail_image(side, height=side, size="down")
    try:
        (save_avif if output.suffix == ".avif" else save_webp)(image, path_of(output))
    except Error as error:
        sys.stderr.write(f"{error}\n")
        raise CannotMake("The image could not be encoded.") from error
    return Made(output.name, image.width, image.height)


if __name__ == "__main__":
    run(decode)
