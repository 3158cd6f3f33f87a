"""The table: printed, and kept in docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path("docs/benchmarks.md")
BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `met` is None where there is no target."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table."""
    verdicts = {True: "yes", False: "**no**", None: ""}
    lines = ["| figure | measured | target | met |", "|---|---|---|---|"]
    lines += [f"| {it.what} | {it.measured} | {it.target} | {verdicts[it.met]} |" for it in figures]
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


def write(text: str) -> None:
    """Puts the text between the page's two marks."""
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")
