"""Videos that the tests make by the ffmpeg that Haulage finds."""

from __future__ import annotations

import subprocess
from pathlib import Path

from jobs.processing.ffmpeg import find_ffmpeg


def ffmpeg() -> Path:
    """The program: that of this machine, or of the wheel that the tests require."""
    found = find_ffmpeg("")
    assert found is not None
    return found


def video(
    path: Path, *, size: str = "320x180", seconds: float = 1, sound: bool = True, options: tuple[str, ...] = ()
) -> Path:
    """Writes a video whose left half is red and whose right half is blue, in the format of the path's suffix."""
    inputs = [
        *("-f", "lavfi", "-i", f"color=red:size={size}:rate=10:duration={seconds},drawbox=x=iw/2:color=blue:t=fill"),
        *(("-f", "lavfi", "-i", f"sine=duration={seconds}") if sound else ()),
    ]
    run(*inputs, "-pix_fmt", "yuv420p", *options, str(path))
    return path


def run(*arguments: str) -> None:
    """Runs ffmpeg. Fails if it does."""
    subprocess.run(
        [str(ffmpeg()), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments],
        stdin=subprocess.DEVNULL,
        check=True,
        timeout=60,
    )


def report(path: Path) -> str:
    """What ffmpeg writes about a file."""
    command = [str(ffmpeg()), "-hide_banner", "-nostdin", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stderr
