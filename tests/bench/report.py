"""The table: printed, and kept in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path("docs/benchmarks.md")
BEGIN = "<!-- {}: begin -->"
END = "<!-- {}: end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `met` is None where there is no target; `aim` is what is wished for beyond that."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None
    aim: str = ""
    reached: bool = False

    @property
    def wanted(self) -> str:
        return f"{self.target}, aim {self.aim}" if self.aim else self.target

    @property
    def verdict(self) -> str:
        if self.met is None:
            return ""
        return ("yes, and the aim" if self.reached else "yes") if self.met else "**no**"


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | measured | target | met |", "|---|---|---|---|"]
    lines += [f"| {it.what} | {it.measured} | {it.wanted} | {it.verdict} |" for it in figures]
    return "\n".join(lines)


def machine() -> str:
    """When and where this is."""
    today = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[0]
    return (
        f"{today}, {os.cpu_count()} cores of {_cpu_model()}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, load average {load:.1f} at the end."
    )


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "an unknown CPU"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "an unknown CPU")


def write(name: str, text: str) -> None:
    """Puts the text between the page's two marks of this name."""
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = PAGE.read_text().partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{text}\n{end}{after}")
