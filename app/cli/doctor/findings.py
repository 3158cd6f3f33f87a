"""What a check has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KEEP_HOST = "Let the proxy keep the client's Host, or set PUBLIC_URL to the URL that people open."
USE_KEY = "Set HAULAGE_TOKEN to an API key with the scopes jobs:read and results:read (`haulage keys create`)."
"""Remedies."""

Level = Literal["ok", "warning", "broken", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`seen`: what was observed. `remedy`: what to change, unless the level is `ok`."""

    level: Level
    seen: str
    remedy: str = ""


def ok(seen: str) -> Finding:
    """Nothing to change."""
    return Finding("ok", seen)


def warning(seen: str, remedy: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding("warning", seen, remedy)


def broken(seen: str, remedy: str) -> Finding:
    """Something that Haulage does will not work on this path."""
    return Finding("broken", seen, remedy)


def skipped(seen: str, remedy: str) -> Finding:
    """It could not be checked."""
    return Finding("skipped", seen, remedy)
