"""The numbers in the files of proxy/ are those of the settings, and what no program checks is right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from app.following.connections import MAX_SILENCE
from app.http_protocol import MAX_HEAD_BYTES
from app.server import PING
from jobs.settings import GatewaySettings
from proxy import set_numbers

SETTINGS = GatewaySettings()
TARGET_GROUPS = ("Requests", "Streams")


@pytest.mark.parametrize("file", sorted({number.file for number in set_numbers.NUMBERS}))
def test_the_numbers_are_made_of_the_settings(file: str) -> None:
    """`make proxy` writes them."""
    assert (set_numbers.FOLDER / file).read_text(encoding="utf-8") == set_numbers.written(file, SETTINGS)


def test_other_settings_make_other_numbers() -> None:
    other = GatewaySettings(request_timeout=300, head_timeout=7, max_body_bytes=10 << 20)
    nginx = set_numbers.written("nginx/haulage.conf", other)
    assert "proxy_read_timeout 315s;" in nginx
    assert "client_max_body_size 11m;" in nginx
    assert "gt 11534336" in set_numbers.written("haproxy/haproxy.cfg", other)
    assert "read_header 7s" in set_numbers.written("caddy/Caddyfile", other)
    assert set_numbers.unsafe(SETTINGS) is None
    assert set_numbers.unsafe(GatewaySettings(keep_alive=120)) is not None
    assert set_numbers.unsafe(GatewaySettings(request_timeout=180)) is not None


def test_a_number_that_is_no_longer_in_its_file_is_noticed() -> None:
    with pytest.raises(ValueError, match="has nothing like"):
        set_numbers.Number("nginx/nginx.conf", r"no_such_directive (\d+)", lambda _: "1").written("text", SETTINGS)


def test_silent_streams_and_large_heads_pass(project: Path) -> None:
    for file in ("nginx/haulage.conf", "caddy/Caddyfile", "haproxy/haproxy.cfg"):
        text = (project / "proxy" / file).read_text(encoding="utf-8")
        silences = re.findall(r"^\s*(?:proxy_read_timeout|timeout (?:server|client)) (\d+)s", text, re.MULTILINE)
        assert all(int(seconds) > 2 * max(MAX_SILENCE, PING) for seconds in silences)
    nginx = (project / "proxy" / "nginx" / "nginx.conf").read_text(encoding="utf-8")
    assert 1024 * int(re.findall(r"large_client_header_buffers \d (\d+)k;", nginx)[0]) > MAX_HEAD_BYTES
    caddy = (project / "proxy" / "caddy" / "Caddyfile").read_text(encoding="utf-8")
    assert 1024 * int(re.findall(r"max_header_size (\d+)KiB", caddy)[0]) > MAX_HEAD_BYTES
    haproxy = (project / "proxy" / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
    assert int(re.findall(r"tune\.bufsize (\d+)", haproxy)[0]) > 1.5 * MAX_HEAD_BYTES


# --- AWS: neither cfn-lint nor moto knows the keys and values of attributes ---------------------------------------------


class Loader(yaml.SafeLoader):  # type: ignore[misc]
    """Reads CloudFormation's short forms, such as `!Ref X`, as `{"Ref": "X"}`."""

    short_forms: ClassVar = ("Ref", "GetAtt")


for form in Loader.short_forms:
    Loader.add_constructor(f"!{form}", lambda loader, node, form=form: {form: loader.construct_scalar(node)})


@pytest.fixture
def resources(project: Path) -> dict[str, Any]:
    text = (project / "proxy" / "aws" / "alb.yaml").read_text(encoding="utf-8")
    return dict(yaml.load(text, Loader)["Resources"])


# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
LOAD_BALANCER_KEYS = {
    "access_logs.s3.enabled": {"true", "false"},
    "access_logs.s3.bucket": None,
    "access_logs.s3.prefix": None,
    "client_keep_alive.seconds": range(60, 604_801),
    "deletion_protection.enabled": {"true", "false"},
    "idle_timeout.timeout_seconds": range(1, 4001),
    "routing.http.drop_invalid_header_fields.enabled": {"true", "false"},
    "routing.http.preserve_host_header.enabled": {"true", "false"},
    "routing.http.xff_header_processing.mode": {"append", "preserve", "remove"},
}
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html
TARGET_GROUP_KEYS = {
    "deregistration_delay.timeout_seconds": range(3601),
    "load_balancing.algorithm.type": {"round_robin", "least_outstanding_requests", "weighted_random"},
    "slow_start.duration_seconds": range(30, 901),
    "stickiness.enabled": {"true", "false"},
}
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html
TLS_POLICIES = {"ELBSecurityPolicy-TLS13-1-2-2021-06", "ELBSecurityPolicy-TLS13-1-3-2021-06"}


def attributes(listed: list[dict[str, Any]], allowed: dict[str, Any]) -> dict[str, Any]:
    """The attributes by key. Fails for unknown keys, doubles, and values that are not allowed."""
    found = {item["Key"]: item["Value"] for item in listed}
    assert len(found) == len(listed)
    for key, value in found.items():
        assert key in allowed, f"{key} is no attribute"
        choices = allowed[key]
        if isinstance(choices, range):
            assert int(value) in choices, (key, value)
        elif choices is not None:
            assert value in choices, (key, value)
    return found


def test_the_load_balancer_waits_longer_than_a_request_and_less_than_the_gateway_keeps_connections(
    resources: dict[str, Any],
) -> None:
    balancer = resources["LoadBalancer"]["Properties"]
    found = attributes(balancer["LoadBalancerAttributes"], LOAD_BALANCER_KEYS)
    assert SETTINGS.request_timeout < int(found["idle_timeout.timeout_seconds"]) < SETTINGS.keep_alive
    assert found["routing.http.xff_header_processing.mode"] == "append"
    assert found["access_logs.s3.enabled"] == "true"
    assert resources["Listener"]["Properties"]["SslPolicy"] in TLS_POLICIES


@pytest.mark.parametrize("name", TARGET_GROUPS)
def test_targets_have_the_time_to_drain_and_no_client_sticks_to_one(resources: dict[str, Any], name: str) -> None:
    group = resources[name]["Properties"]
    found = attributes(group["TargetGroupAttributes"], TARGET_GROUP_KEYS)
    drain = SETTINGS.stream_drain + SETTINGS.shutdown_timeout
    assert drain < int(found["deregistration_delay.timeout_seconds"])
    assert found["stickiness.enabled"] == "false"
    assert group["HealthCheckPath"] == "/health/ready"
    assert group["HealthCheckTimeoutSeconds"] < group["HealthCheckIntervalSeconds"]


def test_an_unknown_attribute_is_noticed() -> None:
    with pytest.raises(AssertionError, match="is no attribute"):
        attributes([{"Key": "idle_timeout.timeout_secs", "Value": "150"}], LOAD_BALANCER_KEYS)
    with pytest.raises(AssertionError):
        attributes([{"Key": "load_balancing.algorithm.type", "Value": "least_outstanding"}], TARGET_GROUP_KEYS)
