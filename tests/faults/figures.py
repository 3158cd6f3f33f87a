"""What the faults' tests measured, as lines of JSON, from which `report` makes the table of docs/reliability.md."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).parents[2] / ".faults" / "figures.jsonl"


@dataclass(frozen=True, slots=True)
class Figure:
    """A line of the table. `row` is the fault's number, `target` what it must keep to."""

    row: int
    what: str
    measured: str
    target: str = ""


def record(row: int, what: str, measured: str, target: str = "") -> None:
    """Appends a figure. The last one of the same name counts."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a") as file:
        file.write(json.dumps(asdict(Figure(row, what, measured, target)), ensure_ascii=False) + "\n")


def recorded() -> list[Figure]:
    """All figures, by row, then in the order in which they were first recorded."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    last = {(it.row, it.what): it for it in (Figure(**json.loads(line)) for line in lines)}
    return sorted(last.values(), key=lambda it: it.row)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the values lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def spread(seconds: Sequence[float]) -> str:
    """A summary of these seconds for the table."""
    if not seconds:
        return "none"
    p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
    return f"p50 {p50:.1f} s, p99 {p99:.1f} s, max {max(seconds):.1f} s, of {len(seconds)}"
