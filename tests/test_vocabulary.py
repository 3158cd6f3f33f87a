"""Names and log events keep to docs/glossary.md, whose tables of log events and retired names are read here."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
ACCESS_LOG = {"request", "socket"}


def rows(project: Path, heading: str) -> list[str]:
    """The words in the first column of the table under a heading of the glossary, without backticks."""
    section = (project / "docs" / "glossary.md").read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]
    return [word.strip(" `") for cell in cells[2:] for word in cell.split(",")]


def sources(project: Path) -> Iterator[tuple[str, ast.Module]]:
    for package in ("app", "jobs"):
        for path in sorted((project / package).rglob("*.py")):
            yield path.relative_to(project).as_posix(), ast.parse(path.read_text())


def words(name: str) -> set[str]:
    """The words of a name in snake_case or CamelCase: `_SendBuffer` is {"send", "buffer"}."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def events(tree: ast.Module) -> Iterator[str]:
    """The log events of a module: literal first arguments of calls of a log's levels."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        for value in node.args[:1]:
            for literal in ast.walk(value):
                if isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                    yield literal.value


def names(path: str, tree: ast.Module) -> Iterator[str]:
    """The names that a module gives: its own, its folder's, those of classes and functions, its log events."""
    yield from Path(path).with_suffix("").parts
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
    yield from events(tree)


def test_retired_words_stand_in_no_name(project: Path) -> None:
    retired = set(rows(project, "Retired names"))
    assert retired
    found = {
        f"{path}: {name}" for path, tree in sources(project) for name in names(path, tree) if words(name) & retired
    }
    assert found == set()


def test_log_events_end_in_a_word_of_the_glossary(project: Path) -> None:
    endings = {row.removeprefix("_") for row in rows(project, "Log events")}
    logged = {event for _, tree in sources(project) for event in events(tree)} - ACCESS_LOG
    assert len(logged) > 50
    assert {event for event in logged if not re.fullmatch(r"[a-z]+(_[a-z]+)+", event)} == set()
    assert {event for event in logged if event.rpartition("_")[2] not in endings} == set()
    assert endings == {event.rpartition("_")[2] for event in logged}, "an ending that no event has"


def test_the_log_events_that_operators_are_told_of_exist(project: Path) -> None:
    page = (project / "docs" / "operations.md").read_text()
    table = page.split("\n| you see |")[1].split("\n\n")[0]
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", table)) - {"queue_full", "worker_lost"}  # these are error codes
    assert len(named) > 10
    assert named - {event for _, tree in sources(project) for event in events(tree)} == set()


@pytest.mark.parametrize("folder", ["store", "stores"])
def test_the_store_is_s3_and_no_folder_of_sql(project: Path, folder: str) -> None:
    assert [path for path, _ in sources(project) if folder in Path(path).with_suffix("").parts] == []
