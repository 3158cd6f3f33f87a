"""The table of docs/reliability.md: `python -m tests.faults.report` prints it, with `--write` puts it into the page."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.bench.report import machine
from tests.faults.figures import Figure, recorded

PAGE = Path("docs/reliability.md")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def table(figures: list[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| # | figure | measured | must be |", "|---|---|---|---|"]
    lines += [f"| {it.row} | {it.what} | {it.measured} | {it.target} |" for it in figures]
    return "\n".join(lines)


def write(text: str) -> None:
    """Puts the text between the page's two marks."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.report", description="What the faults measured.")
    parser.add_argument("--write", action="store_true", help="put the table into docs/reliability.md")
    options = parser.parse_args()
    text = f"{machine()}\n\n{table(recorded())}"
    print(text)
    if options.write:
        write(text)


if __name__ == "__main__":
    main()
