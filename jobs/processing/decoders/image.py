"""Decodes an image: its thumbnail and web sizes. Run as a program in a folder with the file `source`."""

from __future__ import annotations

import sys

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


def decode(request: Request) -> None:
    """Makes the outputs of the request. Raises `Refused` for a file that is no image of its type, or too large."""
    header = _open(request.detected, request.bounds)
    probe = _probe(header)
    emit(Probed(probe))
    planned = [one for one in outputs(request.detected, request.wishes, probe) if one.name not in request.skip]
    if not planned:
        return
    try:
        largest = _shrunk(header, max(one.side or 0 for one in planned))
    except Error as error:
        sys.stderr.write(f"{error}\n")
        raise Refused("The image is damaged or incomplete, so it cannot be decoded.") from error
    for output in planned:
        make(output, lambda one: _write(one, largest))


def _open(detected: str, bounds: Bounds) -> Image:
    """Reads the header; nothing is decoded."""
    allow_loader(LOADERS[detected])
    try:
        header = Image.new_from_file(SOURCE, access="sequential", fail_on="error")
    except Error as error:
        sys.stderr.write(f"{error}\n")
        name = detected.removeprefix("image/").upper()
        raise Refused(f"The file cannot be opened as {name}: it is damaged, or of another format.") from error
    width, height, frames = header.width, header.height, _frames(header)
    if frames > bounds.max_frames:
        raise Refused(f"The image has {frames:,} frames or pages; at most {bounds.max_frames:,} are allowed.")
    if width * height > bounds.max_pixels:
        raise Refused(
            f"The image has {width:,} by {height:,} pixels; at most {bounds.max_pixels:,} are allowed in all."
        )
    return header


def _probe(header: Image) -> Probe:
    width, height = header.width, header.height
    if header.get_typeof("orientation") and header.get("orientation") in _SIDEWAYS:
        width, height = height, width
    return Probe(width=width, height=height, pages=_frames(header))


def _frames(header: Image) -> int:
    """As the header has it: `Image.get_n_pages` returns 1 for 10,000 or more."""
    frames: int = header.get("n-pages") if header.get_typeof("n-pages") else 1
    return frames


def _shrunk(header: Image, side: int) -> Image:
    """The first frame in at most `side` by `side` pixels: upright, in sRGB with 8 bits, and in memory.

    JPEG and WebP are shrunk while they are decoded. Colours are converted only if they may be others than those of sRGB:
    that takes more time than all else.
    """
    has_profile = header.get_typeof("icc-profile-data") or header.interpretation == "cmyk"
    profile = {"export_profile": "srgb"} if has_profile else {}
    image = Image.thumbnail(SOURCE, side, height=side, size="down", fail_on="error", **profile)
    return image.colourspace("srgb").copy_memory()


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
