"""Finds the ffmpeg program, which decodes videos."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path


def find_ffmpeg(configured: str) -> Path | None:
    """The program of the setting `FFMPEG`, or else that of `PATH`, or that of the wheel `imageio-ffmpeg`; none if missing.

    `configured` is a path, or a name in `PATH`.
    """
    if configured:
        found = shutil.which(configured)
        return None if found is None else Path(found).resolve()
    installed = shutil.which("ffmpeg")
    if installed is not None:
        return Path(installed).resolve()
    wheel = find_spec("imageio_ffmpeg")
    if wheel is None or wheel.origin is None:
        return None
    return next(iter(sorted((Path(wheel.origin).parent / "binaries").glob("ffmpeg-*"))), None)
