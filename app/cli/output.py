"""Printing: results go to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text


def time_text(at: datetime | None) -> str:
    """Format a time for people, in the local time zone; empty for None."""
    return "" if at is None else f"{at.astimezone():%Y-%m-%d %H:%M:%S}"


def print_json(value: Any, file: TextIO | None = None) -> None:
    """Print a result for scripts, on standard output unless it is used for something else."""
    print(json.dumps(value, indent=2, ensure_ascii=False), file=file)


def print_message(message: str) -> None:
    """Print a line for people, which is not part of the result."""
    print(message, file=sys.stderr, flush=True)


def error_console() -> Console:
    """Return the console for progress bars, which draw nothing unless it is a terminal."""
    return Console(stderr=True)


def print_table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns on standard output, cut to the terminal's width; in a pipe they are neither cut nor padded."""
    if not sys.stdout.isatty():
        return _print_lines([titles, *rows])
    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for column in table.columns[:1]:
        column.no_wrap = True
    for row in rows:
        table.add_row(*map(Text, row))
    return Console().print(table)


def _print_lines(rows: Sequence[Sequence[str]]) -> None:
    """Print one line for each row, whose columns start below each other in a terminal."""
    cells = [[" ".join(text.splitlines()) for text in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        line = "".join(text + " " * (width - cell_len(text) + 2) for text, width in zip(row, widths, strict=True))
        print(line.rstrip())
