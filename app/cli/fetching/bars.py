"""A job's progress in the terminal; without one, a line for each thing that happens."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn

from app.cli.output import error_console, note, size_text
from app.schemas import JobStatus
from jobs.engine.jobs import Status

_FIELDS = ("percent", "amount", "speed", "left")


class JobBar:
    """One bar from the queue to the saved file. Nothing is drawn when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = error_console()
        self._quiet = quiet
        self._drawn = console.is_terminal and not quiet
        columns = [TextColumn("{task.fields[" + name + "]}", markup=False) for name in _FIELDS]
        what = TextColumn("{task.description}", markup=False)
        self._progress = Progress(
            what, BarColumn(bar_width=24), *columns, console=console, disable=not self._drawn, redirect_stdout=False
        )
        self._task = self._progress.add_task("Starting", total=None, percent="", amount="", speed="", left="")
        self._said = ""
        self._began: float | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def follow(self, event: JobStatus) -> None:
        """The job as the server tells it."""
        progress = event.progress
        self._line(_step(event))
        self._draw(
            _what(event),
            progress.percent,
            amount=_amount(progress.bytes_done, progress.bytes_total),
            speed="" if progress.bytes_per_second is None else f"{size_text(progress.bytes_per_second)}/s",
            left="" if progress.eta_seconds is None else _clock(progress.eta_seconds),
        )

    def saving(self, done: int, total: int) -> None:
        """The file on its way to this machine: bytes so far and in all."""
        self._line(f"saving {size_text(total)}")
        now = time.monotonic()
        if self._began is None:
            self._began = now
        rate = done / (now - self._began) if now > self._began else 0.0
        left = _clock((total - done) / rate) if rate else ""
        speed = f"{size_text(rate)}/s" if rate else ""
        percent = 100 * done / total if total else 100.0
        self._draw("Saving", percent, amount=_amount(done, total), speed=speed, left=left)

    def _draw(self, what: str, percent: float | None, *, amount: str, speed: str, left: str) -> None:
        self._progress.update(
            self._task,
            description=what,
            total=None if percent is None else 100.0,
            completed=percent or 0.0,
            percent="" if percent is None else f"{percent:.1f}%",
            amount=amount,
            speed=speed,
            left=left,
        )

    def _line(self, text: str) -> None:
        if not self._drawn and not self._quiet and text != self._said:
            self._said = text
            note(text)


def _step(event: JobStatus) -> str:
    """What a log should have a line for."""
    if event.status is Status.PROCESSING:
        return f"{event.progress.phase}, attempt {event.attempt} of {event.max_attempts}"
    return str(event.status)


def _what(event: JobStatus) -> str:
    progress = event.progress
    if event.status is Status.QUEUED and progress.queue_position:
        return f"Queued, number {progress.queue_position}"
    if event.status is Status.PROCESSING and progress.bytes_total is not None:
        return f"Packing {progress.files_done}/{progress.files_total}"
    if event.status is Status.PROCESSING:
        return str(progress.phase).capitalize()
    return str(event.status).capitalize()


def _amount(done: int, total: int | None) -> str:
    return "" if total is None else f"{size_text(done)} of {size_text(total)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
