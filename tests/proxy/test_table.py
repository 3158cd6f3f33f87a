"""docs/proxies.md says what is tested through which proxy. `HAULAGE_WRITE_DOCS=1` writes that table."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.helpers.fronts import FRONTS, WorkerdFront
from tests.proxy import test_fronts, test_load, test_syntax, test_worker

BEGIN, END = "<!-- tested: begin -->\n", "<!-- tested: end -->\n"
NAMES = {"nginx": "nginx", "caddy": "Caddy", "haproxy": "HAProxy", "workerd": "workerd"}
RUNS = {test_syntax: "check", test_fronts: "test", test_worker: "test", test_load: "proxies"}
"""The target of the Makefile that runs the tests of a module."""


def proved_rows(function: Any) -> list[str]:
    """The rows of the table that a test proves."""
    return [mark.args[0] for mark in getattr(function, "pytestmark", ()) if mark.name == "proves"]


def fronts_of(function: Any) -> set[str]:
    """Names of the fronts with which a test runs: all, unless it is parametrized with some."""
    for mark in function.pytestmark:
        if mark.name == "parametrize" and "name" in mark.args[0]:
            return {value if isinstance(value, str) else value[0] for value in mark.args[1]}
        if mark.name == "parametrize" and mark.args[0] == "kind":
            return {value.name for value in mark.args[1]}
    return {WorkerdFront.name} if function.__module__ == test_worker.__name__ else set(FRONTS)


def table() -> str:
    cells: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for module, run in RUNS.items():
        for function in vars(module).values():
            for row in proved_rows(function):
                cells[row] |= dict.fromkeys(fronts_of(function), f"`make {run}`")
    lines = [f"| what is tested | {' | '.join(NAMES.values())} |", "|---" * (1 + len(NAMES)) + "|"]
    lines += [f"| {row} | {' | '.join(found.get(name, 'no') for name in NAMES)} |" for row, found in cells.items()]
    return "\n".join(lines) + "\n"


def test_the_documented_table_is_made_of_the_tests(project: Path) -> None:
    page = project / "docs" / "proxies.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    documented, _, after = rest.partition(END)
    if os.environ.get("HAULAGE_WRITE_DOCS"):
        documented = table()
        page.write_text(before + BEGIN + documented + END + after, encoding="utf-8")
    assert documented == table()


def test_every_front_has_a_column() -> None:
    assert NAMES.keys() == FRONTS.keys()
