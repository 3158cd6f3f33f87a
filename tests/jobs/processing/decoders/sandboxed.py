"""Runs decoders in a sandbox."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from jobs.processing.decoders.protocol import SOURCE, Request, encode_request, parse_event
from jobs.processing.recipes import Wishes, decoder_of
from jobs.processing.sandbox import Ended, Limits, Sandbox
from tests.helpers.videos import ffmpeg
from tests.jobs.processing.decoders.children import Decoded

LIMITS = Limits(seconds=60, cpu_seconds=60, memory=2 << 30, file_size=64 << 20, silence=60)


@dataclass(frozen=True)
class Confined:
    """Decodes one file in a sandbox."""

    sandbox: Sandbox
    folder: Path

    async def __call__(self, detected: str, content: bytes, wishes: Wishes | None = None) -> tuple[Decoded, Ended]:
        (self.folder / SOURCE).write_bytes(content)
        kind = decoder_of(detected)
        program = ffmpeg() if kind == "video" else None
        request = Request(
            detected=detected, wishes=wishes or Wishes(), ffmpeg=None if program is None else str(program)
        )
        lines: list[bytes] = []
        started = time.monotonic()
        ended = await self.sandbox.run(
            [sys.executable, "-I", "-m", f"jobs.processing.decoders.{kind}"],
            self.folder,
            encode_request(request) + b"\n",
            LIMITS,
            lines.append,
            readable=[] if program is None else [program],
        )
        decoded = Decoded(
            events=[parse_event(line) for line in lines],
            folder=self.folder,
            returncode=ended.returncode or 0,
            stderr=ended.stderr,
            peak=ended.peak_rss,
            seconds=time.monotonic() - started,
        )
        return decoded, ended
