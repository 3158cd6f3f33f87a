"""`values.schema.json` refuses wrong values by name, before anything is applied."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.chart_files import ONLY_SECRET
from tests.helpers.helm import CHART, run_helm

pytestmark = pytest.mark.servers  # a program, though it does not serve

GOOD: dict[str, Any] = {"existingSecret": "haulage", "settings": {"S3_ENDPOINT": "http://minio:9000"}}
PASSWORDS = {
    "AUTH_PROXY_SECRET": "of-32-characters-at-the-very-least",
    "DATABASE_REPLICA_URL": "postgresql://haulage:hidden@standby/haulage",
    "EGRESS_PROXY": "http://user:hidden@proxy:3128",
    "JWT_SECRET": "of-32-characters-at-the-very-least",
    "OIDC_CLIENT_SECRET": "hidden",
    "REDIS_SENTINEL_PASSWORD": "hidden",
    "SMTP_URL": "smtp://user:hidden@mail:587",
}
"""Settings that are only accepted from the secret."""


def template(folder: Path, *values: dict[str, Any]) -> tuple[int, str]:
    files = []
    for number, each in enumerate(values):
        files.append(folder / f"{number}.json")
        files[-1].write_text(json.dumps(each))
    done = run_helm("template", "haulage", CHART, *(f"--values={file}" for file in files))
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"existingSecret": ""}, "existingSecret", id="no secret"),
        pytest.param({"settings": {"S3_ENDPOINT": None}}, "S3_ENDPOINT", id="a required setting is missing"),
        pytest.param({"settings": {"S3_ENDPONT": "http://minio"}}, "S3_ENDPONT", id="a setting that does not exist"),
        pytest.param({"settings": {"DATABASE_URL": "postgresql://"}}, "DATABASE_URL", id="a password in the values"),
        *(
            pytest.param({"settings": {name: value}}, name, id=f"{name} outside of the secret")
            for name, value in PASSWORDS.items()
        ),
        pytest.param({"settings": {"PORT": 80}}, "PORT", id="a setting that the chart sets"),
        pytest.param({"settings": {"AUTH_MODE": "closed"}}, "AUTH_MODE", id="a mode that does not exist"),
        pytest.param({"settings": {"MAX_QUEUED": "many"}}, "MAX_QUEUED", id="text for a number"),
        pytest.param({"settings": {"BUNDLE_TTL": 0}}, "BUNDLE_TTL", id="a number out of its range"),
        pytest.param({"settings": {"BUNDLE_REUSE": "no"}}, "BUNDLE_REUSE", id="text for a switch"),
        pytest.param({"settings": {"ALLOWED_HOSTS": ["a"]}}, "ALLOWED_HOSTS", id="a list for comma-separated text"),
        pytest.param({"secretSettings": ["OIDC_SECRET"]}, "secretSettings", id="a secret that is no setting"),
        pytest.param({"gateway": {"replicas": 0}}, "gateway/replicas", id="no gateway"),
        pytest.param({"gateway": {"replica": 2}}, "replica", id="a value that does not exist"),
        pytest.param({"gateway": {"service": {"port": 70000}}}, "gateway/service/port", id="no port"),
        pytest.param({"gateway": {"service": {"type": "Headless"}}}, "gateway/service/type", id="no type of service"),
        pytest.param(
            {"gateway": {"autoscaling": {"targetCPUUtilizationPercentage": 700}}}, "targetCPU", id="more than all CPU"
        ),
        pytest.param(
            {"gateway": {"podDisruptionBudget": {"maxUnavailable": 0}}}, "maxUnavailable", id="nodes never drain"
        ),
        pytest.param(
            {"gateway": {"resources": {"memory": "1Gi"}}}, "gateway/resources", id="neither request nor limit"
        ),
        pytest.param({"gateway": {"settings": {"PORT": 80}}}, "PORT", id="a setting that the chart sets for gateways"),
        pytest.param(
            {"workers": [{"name": "a", "kinds": ["image"], "settings": {"SMTP_URL": ""}}]}, "SMTP_URL", id="of a group"
        ),
        pytest.param({"intake": {"enabled": "yes"}}, "intake/enabled", id="yes for true"),
        pytest.param({"workers": []}, "workers", id="no worker"),
        pytest.param({"workers": [{"kinds": ["image"]}]}, "name", id="a group without a name"),
        pytest.param({"workers": [{"name": "a", "kinds": []}]}, "kinds", id="a group without kinds"),
        pytest.param({"workers": [{"name": "a", "kinds": ["audio"]}]}, "kinds", id="a kind that does not exist"),
        pytest.param(
            {"workers": [{"name": "Big_One", "kinds": ["image"]}]}, "name", id="a name that no object may have"
        ),
        pytest.param(
            {"workers": [{"name": "gateway", "kinds": ["image"]}]}, "name", id="the name of another Deployment"
        ),
        pytest.param({"worker": {"drainTimeout": "25s"}}, "worker/drainTimeout", id="a unit that is not expected"),
        pytest.param({"worker": {"autoscaling": {"minReplicas": 0}}}, "minReplicas", id="to zero workers"),
        pytest.param({"migrate": {"mode": "job"}}, "migrate/mode", id="a way to migrate that does not exist"),
        pytest.param({"httpRoute": {"enabled": True}}, "parentRefs", id="a route of no gateway"),
        pytest.param({"httpRoute": {"timeouts": {"request": "5 min"}}}, "timeouts", id="no duration"),
        pytest.param({"ingress": {"enabled": True}}, "hosts", id="an Ingress without hosts"),
        pytest.param({"image": {"repository": "haulage:1"}}, "image/repository", id="a tag in the repository"),
        pytest.param({"image": {"pullPolicy": "Sometimes"}}, "pullPolicy", id="a policy that does not exist"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, values: dict[str, Any], named: str) -> None:
    status, printed = template(tmp_path, GOOD, values)
    assert status != 0
    assert named in printed.replace(".", "/"), printed
    assert "values don't meet the specifications of the schema" in printed


def test_the_same_without_a_wrong_value_is_not_refused(tmp_path: Path) -> None:
    assert template(tmp_path, GOOD) == (0, "")


def test_passwords_are_accepted_from_the_secret(tmp_path: Path) -> None:
    assert set(PASSWORDS) == set(ONLY_SECRET)
    assert template(tmp_path, GOOD, {"secretSettings": list(PASSWORDS)}) == (0, "")


def test_the_values_of_the_readme_are_not_refused(tmp_path: Path) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (CHART / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 3
    assert template(tmp_path, *map(yaml.safe_load, blocks)) == (0, "")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"worker": {"autoscaling": {"enabled": True, "scaleIn": 3}}},
            "scaleIn of worker must be less than its scaleOut",
        ),
        (
            {"worker": {"autoscaling": {"enabled": True, "minReplicas": 30}}},
            "minReplicas of worker must not exceed its maxReplicas",
        ),
        (
            {"gateway": {"autoscaling": {"enabled": True, "minReplicas": 30}}},
            "gateway.autoscaling.minReplicas must not exceed its maxReplicas",
        ),
        ({"workers": [{"name": "a", "kinds": ["image"]}] * 2}, "two groups have the name a"),
        (
            {"settings": {"TRUSTED_PROXIES": "10.1.2.0/24, 10.0.0.0/8"}, "gateway": {"service": {"type": "NodePort"}}},
            "settings.TRUSTED_PROXIES has 10.0.0.0/8, and gateway.service.type is NodePort",
        ),
        (
            {"settings": {"TRUSTED_PROXIES": "FC00::/7"}, "intake": {"service": {"type": "LoadBalancer"}}},
            "settings.TRUSTED_PROXIES has FC00::/7, and intake.service.type is LoadBalancer",
        ),
        ({"metrics": {"podMonitor": {"enabled": True}}}, "metrics.podMonitor.enabled needs metrics.enabled"),
    ],
)
def test_values_that_contradict_each_other_are_refused(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    status, printed = template(tmp_path, GOOD, values)
    assert status != 0
    assert message in printed


@pytest.mark.parametrize(
    ("proxies", "service"), [("10.0.0.0/8", "ClusterIP"), ("10.1.2.0/24", "LoadBalancer"), ("", "NodePort")]
)
def test_networks_of_proxies_that_clients_cannot_be_in_are_not_refused(
    tmp_path: Path, proxies: str, service: str
) -> None:
    values = {"settings": {"TRUSTED_PROXIES": proxies}, "gateway": {"service": {"type": service}}}
    assert template(tmp_path, GOOD, values) == (0, "")
