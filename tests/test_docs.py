"""The documents say what the code does. `HAULAGE_WRITE_DOCS=1 pytest tests/test_docs.py` writes the generated parts."""

from __future__ import annotations

import os
import re
import typing
from pathlib import Path

import pytest
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from jobs.engine.transitions import SOURCES
from jobs.settings import Settings

CONFIGURATION_HEAD = """# Configuration

Every setting comes from the environment variable of its name. Durations are seconds, sizes are bytes. This page is made
from `Settings` in [`jobs/settings.py`](../jobs/settings.py).

| variable | default | what it is |
|---|---|---|
"""


def configuration() -> str:
    rows = []
    for name, field in Settings.model_fields.items():
        if field.is_required():
            default = "required"
        elif field.default is None:
            default = "none"
        elif isinstance(field.default, tuple):
            default = f"`{','.join(field.default)}`" if field.default else "none"
        else:
            default = f"`{field.default:g}`" if isinstance(field.default, float) else f"`{field.default}`"
        choices = typing.get_args(field.annotation) if typing.get_origin(field.annotation) is typing.Literal else ()
        said = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
        rows.append(f"| `{name.upper()}` | {default} | {field.description}{said} |")
    return CONFIGURATION_HEAD + "\n".join(rows) + "\n"


def test_the_configuration_page_is_made_of_the_settings(project: Path) -> None:
    page = project / "docs" / "configuration.md"
    if os.environ.get("HAULAGE_WRITE_DOCS"):
        page.write_text(configuration(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == configuration()


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


@pytest.mark.parametrize("suffix", ["*.md", "docs/**/*.md"])
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
