"""A job's progress in the terminal. Without a terminal, a line for each change of its phase."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.progress import BarColumn, Progress, TextColumn

from app.cli.output import error_console, print_message
from app.cli.sizes import size_text
from app.schemas import JobStatus
from jobs.engine.jobs import Status

_FIELDS = ("percent", "amount", "speed", "left")


class ProgressBar:
    """One bar with percentage, amount, speed and time left. Nothing is printed when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = error_console()
        self._quiet = quiet
        self._drawn = console.is_terminal and not quiet
        columns = [TextColumn("{task.fields[" + name + "]}", markup=False) for name in _FIELDS]
        description = TextColumn("{task.description}", markup=False)
        self._progress = Progress(
            description,
            BarColumn(bar_width=24),
            *columns,
            console=console,
            disable=not self._drawn,
            redirect_stdout=False,
        )
        self._task = self._progress.add_task("Starting", total=None, percent="", amount="", speed="", left="")
        self._last_line = ""
        self._started: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def draw(self, description: str, percent: float | None, *, amount: str, speed: str, left: str) -> None:
        """Redraw the bar in a terminal. `percent`: None while it is unknown."""
        self._progress.update(
            self._task,
            description=description,
            total=None if percent is None else 100.0,
            completed=percent or 0.0,
            percent="" if percent is None else f"{percent:.1f}%",
            amount=amount,
            speed=speed,
            left=left,
        )

    def print_line(self, text: str) -> None:
        """Print a line instead of the bar without a terminal, unless it is the last one again."""
        if not self._drawn and not self._quiet and text != self._last_line:
            self._last_line = text
            print_message(text)

    def draw_rate(self, description: str, done: int, total: int) -> None:
        """Redraw it with the speed since it was called first: bytes so far and in total."""
        now = time.monotonic()
        if self._started is None:
            self._started = now, done
        started, before = self._started
        elapsed = now - started
        rate = (done - before) / elapsed if elapsed > 0 else 0.0
        self.draw(
            description,
            100 * done / total if total else 100.0,
            amount=_amount(done, total),
            speed=f"{size_text(rate)}/s" if rate > 0 else "",
            left=_clock((total - done) / rate) if rate > 0 else "",
        )

    def skip(self, count: int) -> None:
        """Leave out bytes from the speed that `draw_rate` shows."""
        if self._started is not None:
            self._started = self._started[0], self._started[1] + count


class JobProgressBar(ProgressBar):
    """One bar from the queue to the saved file."""

    def show_job(self, job: JobStatus) -> None:
        """Show the progress of the job on the server."""
        progress = job.progress
        line = description = str(job.status)
        if job.status is Status.PROCESSING:
            line = f"{progress.phase}, attempt {job.attempt} of {job.max_attempts}"
            packing = progress.bytes_total is not None
            description = f"packing {progress.files_done}/{progress.files_total}" if packing else str(progress.phase)
        elif job.status is Status.QUEUED and progress.queue_position:
            description = f"queued, position {progress.queue_position}"
        self.print_line(line)
        self.draw(
            description[:1].upper() + description[1:],
            progress.percent,
            amount=_amount(progress.bytes_done, progress.bytes_total),
            speed="" if progress.bytes_per_second is None else f"{size_text(progress.bytes_per_second)}/s",
            left="" if progress.eta_seconds is None else _clock(progress.eta_seconds),
        )

    def show_transfer(self, done: int, total: int) -> None:
        """Show the transfer of the result to this machine: bytes so far and in total."""
        self.print_line(f"saving {size_text(total)}")
        self.draw_rate("Saving", done, total)


def _amount(done: int, total: int | None) -> str:
    return "" if total is None else f"{size_text(done)} of {size_text(total)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
