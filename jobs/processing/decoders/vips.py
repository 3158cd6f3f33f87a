"""libvips, set up for files of strangers: one thread, no cache, no temporary files, and none of its loaders.

Importing this module starts libvips.
"""

from __future__ import annotations

import os

import pyvips

os.putenv("VIPS_DISC_THRESHOLD", "64g")  # an animation on a large canvas is decoded in memory; libvips reads this later
pyvips.cache_set_max(0)
pyvips.concurrency_set(1)
pyvips.block_untrusted_set(state=True)
pyvips.operation_block_set("VipsForeignLoad", state=True)


def allow_loader(name: str) -> None:
    """Allows the loaders of this class of libvips, and those derived of it: `VipsForeignLoadJpeg`."""
    pyvips.operation_block_set(name, state=False)


WEBP_QUALITY = 80
AVIF_QUALITY = 55
"""About as good as WebP at `WEBP_QUALITY`."""


def save_webp(image: pyvips.Image, path: str) -> None:
    """Writes the image without metadata."""
    image.webpsave(path, Q=WEBP_QUALITY, keep="none")


def save_avif(image: pyvips.Image, path: str) -> None:
    """Writes the image without metadata."""
    image.heifsave(path, Q=AVIF_QUALITY, compression="av1", effort=4, keep="none")
