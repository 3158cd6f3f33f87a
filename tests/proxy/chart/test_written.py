"""What `make proxy` writes into the chart is up to date, and the defaults of its values are those of the settings."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.settings import Settings
from proxy import chart_files
from tests.helpers.helm import CHART

TESTED = Settings.model_construct()


@pytest.fixture
def values() -> dict[str, Any]:
    return dict(yaml.safe_load(chart_files.VALUES.read_text(encoding="utf-8")))


def test_the_schema_has_every_setting_and_the_readme_every_value() -> None:
    """`make proxy` writes them."""
    assert chart_files.SCHEMA.read_text(encoding="utf-8") == chart_files.schema()
    assert chart_files.README.read_text(encoding="utf-8") == chart_files.readme()


def test_every_setting_has_one_place() -> None:
    names = {name.upper() for name in Settings.model_fields}
    elsewhere = {*chart_files.SECRET, *chart_files.ONLY_SECRET, *chart_files.FROM_VALUES}
    assert elsewhere <= names
    assert chart_files.settings_schema()["properties"].keys() == names - elsewhere


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict) or not value:
        return [path]
    return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]


def test_every_value_is_described_by_itself_or_as_a_part_of_another(values: dict[str, Any]) -> None:
    known = {path for path, _ in chart_files.described()}
    assert len(known) > 60
    assert [leaf for leaf in leaves(values) if not any(leaf[:length] in known for length in range(1, 5))] == []


def test_the_defaults_are_those_of_the_settings(values: dict[str, Any]) -> None:
    gateway, intake, worker = values["gateway"], values["intake"], values["worker"]
    assert (gateway["streamDrain"], gateway["shutdownTimeout"]) == (TESTED.stream_drain, TESTED.shutdown_timeout)
    assert intake["shutdownTimeout"] == TESTED.shutdown_timeout
    assert (worker["drainTimeout"], worker["concurrency"], worker["videoSlots"]) == (
        TESTED.drain_timeout,
        TESTED.worker_concurrency,
        TESTED.video_slots,
    )
    assert [kind for group in values["workers"] for kind in group["kinds"]] == list(TESTED.worker_kinds)


def test_the_scratch_volume_has_room_for_what_a_worker_may_write_there(values: dict[str, Any]) -> None:
    size = values["worker"]["scratch"]["emptyDir"]["sizeLimit"]
    assert size.endswith("Gi")
    assert int(size.removesuffix("Gi")) << 30 > TESTED.scratch_bytes


def test_the_chart_installs_the_version_of_the_project(project: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == described["project"]["version"]
