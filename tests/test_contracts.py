"""What the import contracts in pyproject.toml rest on, and the rules that a linter of imports cannot check."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def pyproject(project: Path) -> dict[str, Any]:
    return tomllib.loads((project / "pyproject.toml").read_text())


def test_the_contract_of_pure_modules_forbids_every_dependency(pyproject: dict[str, Any]) -> None:
    """A new dependency must be added to the contract, so that a pure module cannot import it unnoticed."""
    contracts = {contract["id"]: contract for contract in pyproject["tool"]["importlinter"]["contracts"]}
    names = {re.split(r"[^\w-]", requirement)[0] for requirement in pyproject["project"]["dependencies"]}
    never_imported = {"flask-swagger-ui", "hiredis"}
    modules = {name.replace("-", "_") for name in names - never_imported - {"pydantic"}}
    assert modules - set(contracts["pure"]["forbidden_modules"]) == set()


def test_only_settings_read_the_environment(project: Path) -> None:
    for package in ("app", "jobs"):
        for path in sorted((project / package).rglob("*.py")):
            name = path.relative_to(project).as_posix()
            if not name.startswith(("app/stack/", "app/cli/")):  # they start programs, and are started by people
                assert not re.search(r"\bos\.(getenv\b|environ\b(?!\[\"\w+\"\] = |\.clear\(\)))", path.read_text()), (
                    name
                )
