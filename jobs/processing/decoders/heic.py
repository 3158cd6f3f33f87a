"""Opens HEIC by libheif, since libvips as its package has it knows no HEVC. Needs the extra `heic`."""

from __future__ import annotations

import sys

from pyvips import Error, GValue, Image

from jobs.processing.decoders.child import Refused
from jobs.processing.decoders.protocol import SOURCE

try:
    import pillow_heif
except ImportError as missing:
    raise Refused(
        "Nothing is made of HEIC images here, since the workers lack a package: an operator can install haulage[heic]."
    ) from missing

pillow_heif.options.DECODE_THREADS = 1
_ERRORS = (ValueError, EOFError, OSError, RuntimeError, SyntaxError, IndexError)
"""What pillow_heif raises for files that are damaged."""


class HeicSource:
    """A file that libheif opens. It turns images upright by itself, so they have no orientation left."""

    def __init__(self) -> None:
        try:
            file = pillow_heif.open_heif(SOURCE, convert_hdr_to_8bit=True)
            self._image = file[file.primary_index]
        except _ERRORS as error:
            sys.stderr.write(f"{error}\n")
            raise Refused("The file cannot be opened as HEIC: it is damaged, or of another format.") from error
        self.width, self.height = self._image.size
        self.frames = len(file)

    def shrunk(self, side: int) -> Image:
        """The primary image, shrunk by libvips."""
        profile = self._image.info.get("icc_profile")
        export = {"export_profile": "srgb"} if profile else {}
        try:
            image = self._pixels()
            if profile:
                image.set_type(GValue.blob_type, "icc-profile-data", profile)
            shrunk = image.thumbnail_image(side, height=side, size="down", **export)
            return shrunk.colourspace("srgb").copy_memory()
        except (*_ERRORS, Error) as error:
            sys.stderr.write(f"{error}\n")
            raise Refused("The image is damaged or incomplete, so it cannot be decoded.") from error

    def _pixels(self) -> Image:
        """All of it, decoded."""
        bands = len(self._image.mode)
        image = Image.new_from_memory(bytes(self._image.data), self.width, self.height, bands, "uchar")
        return image.copy(interpretation="srgb")
