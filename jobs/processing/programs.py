"""The programs that decode: one for each kind, how much of the machine each may use, and whether it can run here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jobs.kinds import Kind
from jobs.processing.ffmpeg import find_ffmpeg
from jobs.processing.sandbox import Limits
from jobs.settings import ProcessingSettings

MIB = 1 << 20
GIB = 1 << 30
CPU_SHARE = 2
"""Seconds of processor time for each second that a program may take: it has two threads at most."""
VIDEO_SILENCE = 60.0
"""Seconds in which ffmpeg has to report something."""


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
    """The program of a kind; None if it needs ffmpeg, and there is none."""
    argv = (sys.executable, "-I", "-m", f"jobs.processing.decoders.{kind}")
    match kind:
        case Kind.IMAGE:
            seconds = settings.image_timeout
            return Program(argv=argv, seconds=seconds, silence=seconds, memory=2 * GIB, room=lambda _: 64 * MIB)
        case Kind.PDF:
            seconds = settings.pdf_timeout
            return Program(argv=argv, seconds=seconds, silence=seconds, memory=2 * GIB, room=lambda _: 128 * MIB)
        case Kind.VIDEO:
            ffmpeg = find_ffmpeg(settings.ffmpeg)
            if ffmpeg is None:
                return None
            seconds = settings.video_timeout
            return Program(
                argv=argv,
                seconds=seconds,
                silence=min(seconds, VIDEO_SILENCE),
                memory=4 * GIB,
                room=lambda size: size + 256 * MIB,
                readable=(ffmpeg,),
                ffmpeg=str(ffmpeg),
            )
        case Kind.DOWNLOAD | Kind.UPLOAD:
            raise ValueError(f"jobs of kind {kind} decode nothing")
