"""Sizes for people."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_STEP = 1000
_DIGITS = 3


def size_text(size: float) -> str:
    """Format bytes for people as the page does, in decimal units with three digits: `17 B`, `1.23 MB`."""
    if round(size) < _STEP:
        return f"{size:.0f} B"
    for unit in _UNITS:
        size /= _STEP
        for digits in (2, 1, 0):
            number = f"{size:.{digits}f}"
            if len(number.replace(".", "")) <= _DIGITS:
                return f"{number} {unit}"
    return f"{number} {unit}"
