"""What commands print: results on standard output, everything else on standard error."""

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
    """Bytes for people: `17 B`, `4.2 MiB`."""
    for unit in _UNITS[:-1]:
        if abs(size) < _STEP:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= _STEP
    return f"{size:.1f} {_UNITS[-1]}"


def time_text(at: datetime | None) -> str:
    """A time for people, in their own zone; empty for none."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_json(value: Any) -> None:
    """A result for scripts."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def note(message: str) -> None:
    """A line for people, beside the result."""
    print(message, file=sys.stderr, flush=True)


def error_console() -> Console:
    """Where progress bars are drawn. They show nothing unless it is a terminal."""
    return Console(stderr=True)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns on standard output. They are cut to the terminal's width, and never in a pipe."""
    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[:1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console() if sys.stdout.isatty() else Console(width=_WIDE)
    console.print(table)
