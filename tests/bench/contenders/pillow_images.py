"""Makes what Haulage makes of an image, by Pillow: `pillow_images.py SOURCE FOLDER`, with Pillow on the path."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageOps


def main() -> None:
    source, folder = sys.argv[1], Path(sys.argv[2])
    with Image.open(source) as image:
        image.draft("RGB", (1600, 1600))  # shrinks a JPEG while it is decoded
        web = ImageOps.exif_transpose(image)
        web.thumbnail((1600, 1600), Image.Resampling.LANCZOS)
        web.save(folder / "web.webp", quality=80)
        web.thumbnail((320, 320), Image.Resampling.LANCZOS)
        web.save(folder / "thumbnail.webp", quality=80)
