"""The programs that decode: one for each kind, how much of the machine each may use, and whether it can run here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from jobs.kinds import Kind
from jobs.processing.sandbox import Limits
from jobs.settings import ProcessingSettings

MIB = 1 << 20
GIB = 1 << 30
CPU_SHARE = 2
"""Seconds of processor time for each second that a program may take: it has two threads at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program that decodes files of one kind, and what it may use."""

    argv: Sequence[str]
    seconds: float
    memory: int
    """Bytes of address space."""
    silence: float
    """Seconds after which it is stopped if it reports nothing."""
    room: Callable[[int], int]
    """Bytes of scratch space for the outputs of a source with this size."""
    readable: Sequence[Path] = ()
    ffmpeg: str | None = None

    def limits(self, source_size: int) -> Limits:
        return Limits(
            seconds=self.seconds,
            cpu_seconds=int(CPU_SHARE * self.seconds),
            memory=self.memory,
            file_size=self.room(source_size),
            silence=self.silence,
        )


def program_of(kind: Kind, settings: ProcessingSettings) -> Program | None:
    """The program of a kind; None if a package that it needs is not installed."""
    module = f"jobs.processing.decoders.{kind}"
    needed = {Kind.IMAGE: "pyvips", Kind.PDF: "pypdfium2", Kind.VIDEO: "imageio_ffmpeg"}[kind]
    if find_spec(module) is None or find_spec(needed) is None:
        return None
    argv = (sys.executable, "-I", "-m", module)
    match kind:
        case Kind.IMAGE:
            seconds = settings.image_timeout
            return Program(argv=argv, seconds=seconds, silence=seconds, memory=2 * GIB, room=lambda _: 64 * MIB)
        case Kind.PDF:
            seconds = settings.pdf_timeout
            return Program(argv=argv, seconds=seconds, silence=seconds, memory=2 * GIB, room=lambda _: 128 * MIB)
        case _:
            seconds = settings.video_timeout
            return Program(
                argv=argv,
                seconds=seconds,
                silence=min(seconds, 60),
                memory=4 * GIB,
                room=lambda size: size + 256 * MIB,
            )
