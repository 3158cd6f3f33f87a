"""Printing: results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_STEP = 1024
_WIDE = 400


def size_text(size: float) -> str:
    """Format bytes for people: `17 B`, `4.2 MiB`."""
    for unit in _UNITS[:-1]:
        if abs(size) < _STEP:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"


def time_text(at: datetime | None) -> str:
    """Format a time for people, in the local time zone; empty for None."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_json(value: Any) -> None:
    """Print a result for scripts."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def print_message(message: str) -> None:
    """Print a line for people, which is not part of the result."""
    print(message, file=sys.stderr, flush=True)


def error_console() -> Console:
    """Return the console for progress bars, which draw nothing unless it is a terminal."""
    return Console(stderr=True)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns on standard output, cut to the terminal's width; in a pipe they are never cut."""
    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[:1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(table)
