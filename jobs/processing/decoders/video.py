"""Decodes a video: a poster, and a conversion for web pages. Run as a program in a folder with the file `source`.

The ffmpeg program does the work. It gets neither a name nor an address that a person has chosen, may only open local files,
and treats the source as the format that was detected: a playlist or a list of files is never followed.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial

from pyvips import Error, Image

from jobs.processing.decoders.child import CannotMake, Refused, emit, make, path_of, run
from jobs.processing.decoders.protocol import SOURCE, Bounds, Made, Probed, Progress, Request
from jobs.processing.decoders.vips import save_webp
from jobs.processing.recipes import Output, Probe, outputs

DEMUXERS = {
    "video/mp4": "mov",
    "video/x-m4v": "mov",
    "video/quicktime": "mov",
    "video/webm": "matroska",
    "video/x-matroska": "matroska",
}
"""The only demuxer of ffmpeg that may open a file of each type."""
MAX_PIXELS = 8192 * 4320
"""Pixels of a frame, which ffmpeg keeps a dozen of. That of cinemas in 8K."""
THREADS = 2
LONGEST_SIDE = 1920
"""Longest side of a converted video in pixels, whatever its shorter side."""
POSTER_SECONDS = 10.0
"""The poster is taken after a tenth of the video, but at most after so many seconds."""
PROGRESS_INTERVAL = 1.0
"""Seconds between two reports."""

_DURATION = re.compile(r"^  Duration: (?:(\d+):(\d\d):(\d\d(?:\.\d+)?)|N/A)", re.MULTILINE)
"""Stands behind the metadata of the file, which is indented further, and before the streams."""
_STREAM = re.compile(r"^(?:  |    )Stream #0:\d+.*?: Video: (?!.*\(attached pic\)).*?, (\d+)x(\d+)\b.*$", re.MULTILINE)
_SIDEWAYS = re.compile(r"^ +display ?matrix: rotation of -?(?:90|270)\.", re.MULTILINE | re.IGNORECASE)


def decode(request: Request) -> None:
    """Makes the outputs of the request. Raises `Refused` for a file that is no video of its type, or too large."""
    if request.ffmpeg is None:
        raise Refused("Videos cannot be decoded here: there is no ffmpeg.")
    source = _Source(request.ffmpeg, DEMUXERS[request.detected], request.bounds)
    probe = source.probe()
    emit(Probed(probe))
    for output in outputs(request.detected, request.wishes, probe):
        if output.name not in request.skip:
            make(output, partial(source.write_poster if output.suffix == ".webp" else source.write_video, probe))


class _Source:
    """The file to decode, and the program that does."""

    def __init__(self, ffmpeg: str, demuxer: str, bounds: Bounds) -> None:
        self._bounds = bounds
        self._max_pixels = min(bounds.max_pixels, MAX_PIXELS)
        self._program = [ffmpeg, "-hide_banner", "-nostdin", "-nostats", "-y"]
        self._input = [
            *("-protocol_whitelist", "file,pipe", "-f", demuxer, "-threads", f"{THREADS}"),
            *("-max_pixels", f"{self._max_pixels}", "-t", f"{bounds.max_seconds}", "-i", f"file:{SOURCE}"),
        ]

    def probe(self) -> Probe:
        """What ffmpeg says of the header. Nothing is decoded but the few frames that show what a stream holds."""
        report = self._run([*self._program, *self._input]).stderr.decode(errors="replace")
        length = _DURATION.search(report)
        stream = None if length is None else _STREAM.search(report, length.end())
        if length is None or stream is None:
            sys.stderr.write(report)
            raise Refused("The video is damaged or incomplete, or has no pictures.")
        width, height = int(stream[1]), int(stream[2])
        if width * height > self._max_pixels:
            raise Refused(
                f"The video has {width:,} by {height:,} pixels; at most {self._max_pixels:,} are allowed in all."
            )
        duration = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3]) if length[1] else None
        if duration is not None and duration > self._bounds.max_seconds:
            raise Refused(
                f"The video lasts {duration:,.0f} seconds; at most {self._bounds.max_seconds:,.0f} are allowed."
            )
        if _SIDEWAYS.search(report, stream.end()):
            width, height = height, width
        return Probe(width=width, height=height, duration=duration)

    def write_poster(self, probe: Probe, output: Output) -> Made:
        """A frame, which comes from ffmpeg as a portable pixmap: `P6 width height 255` and the pixels."""
        assert output.side is not None
        header = None
        for start in (
            min(POSTER_SECONDS, (probe.duration or 0) / 10),
            0.0,
        ):  # few frames: none may come after the start
            frame = ["-map", "0:V:0", "-frames:v", "1", "-vf", _scaled(f"{output.side}/max(iw*sar,ih)")]
            pixmap = ["-f", "image2pipe", "-c:v", "ppm", "pipe:1"]
            ended = self._run([*self._program, "-ss", f"{start:.3f}", *self._input, *frame, *pixmap])
            header = re.match(rb"P6\s(\d+)\s(\d+)\s255\s", ended.stdout)
            if header is not None:
                break
            sys.stderr.write(ended.stderr.decode(errors="replace"))
        if header is None:
            raise CannotMake("No picture of the video can be decoded.")
        width, height = int(header[1]), int(header[2])
        try:
            image = Image.new_from_memory(ended.stdout[header.end() :], width, height, 3, "uchar")
            save_webp(image.copy(interpretation="srgb"), path_of(output))
        except Error as error:
            sys.stderr.write(f"{error}\n")
            raise CannotMake("The picture of the video could not be encoded.") from error
        return Made(output.name, width, height)

    def write_video(self, probe: Probe, output: Output) -> Made:
        """H.264 and AAC in an MP4 whose index comes first, so that it plays while it is loaded. Without metadata."""
        assert output.side is not None
        picture = [
            *("-map", "0:V:0", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p"),
            *(
                "-vf",
                _scaled(f"{output.side}/min(iw*sar,ih)", f"{LONGEST_SIDE}/max(iw*sar,ih)"),
                "-threads",
                f"{THREADS}",
            ),
        ]
        sound = ["-map", "0:a:0?", "-c:a", "aac", "-b:a", "128k", "-ac", "2"]
        file = [
            *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-movflags", "+faststart"),
            *("-f", "mp4", f"file:{path_of(output)}"),
        ]
        command = [*self._program, "-loglevel", "error", "-progress", "pipe:1", *self._input, *picture, *sound, *file]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as ffmpeg:  # noqa: S603 (no shell)
            assert ffmpeg.stdout is not None
            reporter = _Reporter(output.name, probe.duration)
            for line in ffmpeg.stdout:
                reporter.report(line)
        if ffmpeg.returncode != 0 or not reporter.seconds:
            raise CannotMake("The video could not be converted.")
        width, height = _size_of(self._run([*self._program, "-f", "mov", "-i", f"file:{path_of(output)}"]).stderr)
        return Made(output.name, width, height)

    @staticmethod
    def _run(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 (no shell)


class _Reporter:
    """Reports progress while the converted video grows: not more often than needed, and not while it stands still."""

    def __init__(self, output: str, duration: float | None) -> None:
        self._output = output
        self._duration = duration
        self._reported = -PROGRESS_INTERVAL
        self.seconds = 0.0
        """Seconds of the video that were converted."""

    def report(self, line: bytes) -> None:
        """Takes a line that `-progress` writes."""
        name, _, value = line.strip().partition(b"=")
        if name != b"out_time_us" or not value.isdigit() or int(value) <= self.seconds * 1e6:
            return
        self.seconds = int(value) / 1e6
        now = time.monotonic()
        if now >= self._reported + PROGRESS_INTERVAL:
            self._reported = now
            emit(Progress(self._output, min(1.0, self.seconds / self._duration) if self._duration else 0.0))


def _scaled(*factors: str) -> str:
    """A filter of ffmpeg: square pixels, scaled by the least of the factors and 1, to even sides, which H.264 needs."""
    factor = "1"
    for one in factors:
        factor = f"min({factor},{one})"
    return f"scale=w='max(2,trunc({factor}*iw*sar/2)*2)':h='max(2,trunc({factor}*ih/2)*2)',setsar=1"


def _size_of(report: bytes) -> tuple[int, int]:
    stream = _STREAM.search(report.decode(errors="replace"))
    if stream is None:
        raise CannotMake("The converted video cannot be read.")
    return int(stream[1]), int(stream[2])


if __name__ == "__main__":
    run(decode)
