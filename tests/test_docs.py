"""The documents match the code. `HAULAGE_WRITE_DOCS=1 pytest tests/test_docs.py` rewrites the generated parts."""

from __future__ import annotations

import os
import re
import typing
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from app.cli.commands import app as cli
from app.exit_codes import ExitCode
from jobs.engine.transitions import SOURCES
from jobs.settings import Settings

CONFIGURATION_HEAD = """# Configuration

Every setting comes from the environment variable of its name. Durations are seconds, sizes are bytes. This page is
generated from `Settings` in [`jobs/settings.py`](../jobs/settings.py).
"""
TABLE_HEAD = """
| variable | default | description |
|---|---|---|
"""


def configuration() -> str:
    groups = [base for base in Settings.__bases__ if base is not BaseSettings]
    return CONFIGURATION_HEAD + "".join(
        f"\n## {str(group.__doc__).removesuffix('.')}\n{TABLE_HEAD}{rows(group)}\n" for group in groups
    )


def rows(group: type[BaseModel]) -> str:
    lines = []
    for name, field in group.model_fields.items():
        if field.is_required():
            default = "required"
        elif field.default_factory is not None:
            default = typing.cast("typing.Any", field.default_factory).__name__.replace("_", " ")
        elif field.default in (None, ""):
            default = "none"
        elif isinstance(field.default, tuple):
            default = f"`{','.join(field.default)}`" if field.default else "none"
        else:
            default = f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"
        choices = typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ()
        one_of = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
        lines.append(f"| `{name.upper()}` | {default} | {field.description}{one_of} |")
    return "\n".join(lines)


def test_the_configuration_page_is_made_of_the_settings(project: Path) -> None:
    page = project / "docs" / "configuration.md"
    if os.environ.get("HAULAGE_WRITE_DOCS"):
        page.write_text(configuration(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == configuration()


def test_every_setting_belongs_to_a_group_and_has_a_row(project: Path) -> None:
    page = (project / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert all(page.count(f"| `{name.upper()}` |") == 1 for name in Settings.model_fields)


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
    secrets = [name for name, field in Settings.model_fields.items() if field.annotation is SecretStr]
    assert secrets == ["s3_secret_access_key"]
    assert Settings.model_fields["s3_secret_access_key"].default is PydanticUndefined


def test_the_state_machine_page_has_the_table_of_the_code(project: Path) -> None:
    page = (project / "docs" / "state-machine.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| (\w+) \| ([\w, ]+) \| .* \|$", page, re.MULTILINE))
    for command, states in SOURCES.items():
        assert table[command.__name__.lower()].split(", ") == sorted(states)


def test_the_page_of_the_command_line_has_the_exit_codes_of_the_code(project: Path) -> None:
    page = (project / "docs" / "command-line.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (\d+) \| (.*) \|$", page, re.MULTILINE)
    assert table == [(f"{code:d}", code.meaning) for code in ExitCode]


@pytest.mark.parametrize("suffix", ["*.md", "docs/**/*.md", "proxy/**/*.md"])
def test_links_between_the_documents_lead_somewhere(project: Path, suffix: str) -> None:
    for page in project.glob(suffix):
        if "node_modules" in page.parts:
            continue
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_decision_has_the_standard_headings_and_is_in_the_index(project: Path) -> None:
    folder = project / "docs" / "decisions"
    index = dict(
        re.findall(
            r"^\| \[\d+\]\((\S+)\) \| ([^|]+) \|", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    pages = sorted(folder.glob("0*.md"))
    assert sorted(index) == [page.name for page in pages]
    for number, page in enumerate(pages, start=1):
        text = page.read_text(encoding="utf-8")
        title = re.sub(r" \((changed|replaced) by \d+\)$", "", index[page.name])
        assert text.startswith(f"# {number}. {title}\n"), page.name
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        standard = ["What", "Why", "What was measured", "What would change our mind"]
        assert [heading for heading in headings if heading in standard] == standard, page.name


def code_of(page: Path) -> list[str]:
    """What a page sets as code: the lines of its blocks, and what stands between backticks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"```[a-z]*\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [line for block in blocks for line in block.splitlines()] + spans


def pages_of(project: Path) -> list[Path]:
    found = [*project.glob("*.md"), *(project / "docs").rglob("*.md")]
    return [page for page in found if "node_modules" not in page.parts]


def test_every_path_in_the_documents_exists(project: Path) -> None:
    paths = re.compile(r"(?:app|docs|frontend|jobs|tests)(?:/[\w.-]+)+/?")
    named = {(page, code) for page in pages_of(project) for code in code_of(page) if paths.fullmatch(code)}
    assert len(named) > 40
    named = {(page, code) for page, code in named if code not in {"app/pages/built", "docs/decisions/NNNN-title.md"}}
    missing = {
        (page.name, code) for page, code in named if not any((top / code).exists() for top in (project, page.parent))
    }
    assert missing == set()


def test_every_document_that_code_refers_to_exists(project: Path) -> None:
    sources = [path for top in ("app", "jobs") for path in (project / top).rglob("*.py")]
    named = {(path.name, page) for path in sources for page in re.findall(r"docs/[\w/-]+\.md", path.read_text("utf-8"))}
    assert len(named) > 3
    assert {(source, page) for source, page in named if not (project / page).exists()} == set()


def test_sizes_in_the_documents_have_decimal_units_as_everywhere(project: Path) -> None:
    """`16MiB` without a space is a value of a program's option."""
    binary = re.compile(r"(?<!\d)[KMGT]iB\b")
    assert [
        (page.name, line)
        for page in pages_of(project)
        for line in page.read_text(encoding="utf-8").splitlines()
        if binary.search(line)
    ] == []


def test_every_target_of_make_in_the_documents_exists(project: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word for page in pages_of(project) for code in code_of(page) for word in re.findall(r"^make ([a-z-]+)", code)
    }
    assert len(named) > 5
    assert named - targets == set()


def test_every_command_line_in_the_documents_is_one_that_haulage_understands(project: Path) -> None:
    """Each command exists and knows the options that are named. What the commands do is tested elsewhere."""
    lines = {code for page in pages_of(project) for code in code_of(page) if code.startswith("haulage ")}
    assert len(lines) > 10
    for line in lines:
        words = re.split(r" *[#|]", line)[0].split()[1:]
        command: Any = typer.main.get_command(cli)
        while words and (found := getattr(command, "commands", {}).get(words[0])):
            command, words = found, words[1:]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("-") and word != "-"} <= known, line
        assert not hasattr(command, "commands") or words == [], line
