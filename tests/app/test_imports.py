"""The rooms of the house: who may import whom (docs/architecture.md)."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DRIVERS = {"alembic", "arq", "asyncpg", "boto3", "botocore", "minio", "obstore", "redis", "sqlalchemy"}
"""What talks to PostgreSQL, Redis and the store."""
EXCEPTIONS = {
    "app/following.py": {"redis"},  # the type of the subscription that `jobs.engine.live.feed` hands it
    "app/stack": {"minio", "redis"},  # asks the servers that it starts whether they are up
    "app/cli/services.py": {"asyncpg", "sqlalchemy"},  # the names of what they raise when the database refuses
}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it, in full."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            yield node.module or ""


def files(project: Path, room: str) -> Iterator[tuple[str, set[str]]]:
    for path in sorted((project / room).rglob("*.py")):
        yield path.relative_to(project).as_posix(), set(imports(path))


def roots(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_jobs_never_import_the_app_or_a_web_framework(project: Path) -> None:
    wrong = {name: found for name, all_of in files(project, "jobs") if (found := roots(all_of) & {"app", "starlette"})}
    assert wrong == {}


def test_the_domain_is_pure(project: Path) -> None:
    allowed = sys.stdlib_module_names | {"pydantic"}
    for name, found in files(project, "jobs/domain"):
        foreign = {module for module in found if module.partition(".")[0] not in allowed}
        assert {module for module in foreign if not module.startswith("jobs.domain")} == set(), name


def test_the_app_leaves_sql_arq_and_s3_to_jobs(project: Path) -> None:
    for name, found in files(project, "app"):
        excepted = {module for place, modules in EXCEPTIONS.items() if name.startswith(place) for module in modules}
        assert roots(found) & DRIVERS - excepted == set(), name


@pytest.mark.parametrize("room", ["app", "jobs"])
def test_the_product_never_imports_its_tests(project: Path, room: str) -> None:
    assert [name for name, found in files(project, room) if roots(found) & {"tests", "pytest"}] == []


def test_only_settings_read_the_environment(project: Path) -> None:
    for room in ("app", "jobs"):
        for path in sorted((project / room).rglob("*.py")):
            name = path.relative_to(project).as_posix()
            if not name.startswith(("app/stack/", "app/cli/")):  # they start programs, and are started by people
                assert not re.search(r"\bos\.(environ|getenv)\b", path.read_text()), name
