"""What the faults' tests measured: kept as lines of JSON, made into the table of docs/reliability.md by `report`."""

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


def note(row: int, what: str, measured: str, target: str = "") -> None:
    """Keeps a figure; the last one of the same name counts."""
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a") as file:
        file.write(json.dumps(asdict(Figure(row, what, measured, target)), ensure_ascii=False) + "\n")


def noted() -> list[Figure]:
    """All figures, by row and then in the order in which they were first kept."""
    lines = FILE.read_text().splitlines() if FILE.exists() else []
    last = {(it.row, it.what): it for it in (Figure(**json.loads(line)) for line in lines)}
    return sorted(last.values(), key=lambda it: it.row)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them is."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def spread(seconds: Sequence[float]) -> str:
    """Seconds, for people."""
    if not seconds:
        return "none"
    p50, p99 = percentile(seconds, 0.5), percentile(seconds, 0.99)
    return f"p50 {p50:.1f} s, p99 {p99:.1f} s, max {max(seconds):.1f} s, of {len(seconds)}"
