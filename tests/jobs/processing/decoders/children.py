"""Runs decoders as the worker does: a child in a folder of its own, with limits, whose lines are parsed strictly."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jobs.processing.decoders.protocol import (
    OUT,
    SOURCE,
    Bounds,
    Done,
    Event,
    Failed,
    Made,
    Omitted,
    Probed,
    Rejected,
    Request,
    encode_request,
    parse_event,
)
from jobs.processing.recipes import Probe, Wishes, decoder_of

MEMORY = 2 << 30
"""Bytes of address space of a child."""
FILE_SIZE = 64 << 20
"""Bytes of a file that a child writes."""
SECONDS = 30
"""CPU seconds of a child."""


@dataclass(frozen=True)
class Decoded:
    """What a child did."""

    events: list[Event]
    folder: Path
    returncode: int
    stderr: str
    peak: int
    """Bytes of memory that the child, or one of its own, had at most."""
    seconds: float

    @property
    def probe(self) -> Probe:
        return next(event.probe for event in self.events if isinstance(event, Probed))

    @property
    def made(self) -> dict[str, Made]:
        return {event.output: event for event in self.events if isinstance(event, Made)}

    @property
    def not_made(self) -> dict[str, str]:
        """Reasons, by the names of outputs that failed or were omitted."""
        return {event.output: event.reason for event in self.events if isinstance(event, Failed | Omitted)}

    @property
    def rejected(self) -> str | None:
        last = self.events[-1] if self.events else None
        return last.reason if isinstance(last, Rejected) else None

    def path(self, name: str) -> Path:
        """The file of an output."""
        (path,) = (self.folder / OUT).glob(f"{name}.*")
        return path


@dataclass(frozen=True)
class Decoder:
    """Decodes in one folder, one file after the other."""

    folder: Path

    def __call__(
        self,
        detected: str,
        content: bytes | Path,
        *,
        wishes: Wishes | None = None,
        skip: Iterable[str] = (),
        bounds: Bounds | None = None,
        ffmpeg: str | None = None,
    ) -> Decoded:
        scratch = self.folder / f"{len(list(self.folder.iterdir()))}"
        scratch.mkdir()
        if isinstance(content, Path):
            (scratch / SOURCE).symlink_to(content)
        else:
            (scratch / SOURCE).write_bytes(content)
        request = Request(
            detected=detected,
            wishes=wishes or Wishes(),
            skip=frozenset(skip),
            bounds=bounds or Bounds(),
            ffmpeg=ffmpeg,
        )
        return run(f"jobs.processing.decoders.{decoder_of(detected)}", scratch, encode_request(request))


def run(module: str, scratch: Path, request: bytes) -> Decoded:
    """Runs the child to its end. Fails for a line that is no event."""
    started = time.monotonic()
    with (scratch / "stdout").open("wb") as stdout, (scratch / "stderr").open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-I", "-m", module],
            cwd=scratch,
            env={},
            stdin=subprocess.PIPE,
            stdout=stdout,
            stderr=stderr,
        )
        assert child.stdin is not None
        for limit, value in {
            resource.RLIMIT_AS: MEMORY,
            resource.RLIMIT_CPU: SECONDS,
            resource.RLIMIT_FSIZE: FILE_SIZE,
            resource.RLIMIT_CORE: 0,
        }.items():
            resource.prlimit(child.pid, limit, (value, value))
        child.stdin.write(request + b"\n")
        child.stdin.close()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    return Decoded(
        events=[parse_event(line) for line in (scratch / "stdout").read_bytes().splitlines()],
        folder=scratch,
        returncode=child.returncode,
        stderr=(scratch / "stderr").read_text(errors="replace"),
        peak=usage.ru_maxrss * 1024,
        seconds=time.monotonic() - started,
    )


def finished(decoded: Decoded) -> bool:
    """Whether the child ended as it should."""
    return decoded.returncode == 0 and bool(decoded.events) and isinstance(decoded.events[-1], Done | Rejected)
