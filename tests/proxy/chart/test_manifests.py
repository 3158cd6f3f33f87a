"""What the chart makes of each file of ci/: valid, complete, consistent, and without rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from app.intake.intake import CLEANUP_TIMEOUT
from jobs.settings import Settings
from jobs.shutdown import CLOSE_TIMEOUT
from tests.helpers.helm import (
    CASES,
    CHART,
    Manifest,
    containers,
    environment,
    named,
    of_kind,
    pods,
    rendered,
    run_helm,
)

pytestmark = pytest.mark.servers  # a program, though it does not serve

KUBERNETES = "1.37"
ELSEWHERE = {"gateway.networking.k8s.io/v1", "keda.sh/v1alpha1", "monitoring.coreos.com/v1"}
"""APIs that are not of Kubernetes itself."""
SECRETS = {
    "DATABASE_URL": "postgresql://haulage@postgres/haulage",
    "REDIS_URL": "redis://redis/0",
    "S3_ACCESS_KEY_ID": "haulage",
    "S3_SECRET_ACCESS_KEY": "hidden",
    "OIDC_CLIENT_SECRET": "hidden",
}


@pytest.fixture(scope="module", params=CASES)
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Of each file of values."""
    return rendered(CHART / "ci" / request.param)


@pytest.fixture(scope="module")
def scaled() -> list[Manifest]:
    """Of the file with KEDA and a route."""
    return rendered(CHART / "ci" / "route-and-keda.yaml")


@pytest.fixture(scope="module")
def minimal() -> list[Manifest]:
    return rendered(CHART / "ci" / "minimal.yaml")


@pytest.mark.parametrize("case", CASES)
def test_helm_finds_nothing_to_improve(case: str) -> None:
    done = run_helm("lint", "--strict", "--quiet", f"--values={CHART / 'ci' / case}", CHART)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kubernetes_knows_every_field(manifests: list[Manifest]) -> None:
    validator: Any = pytest.importorskip("kubernetes_validate", reason="`make check` installs it")
    own = [manifest for manifest in manifests if manifest["apiVersion"] not in ELSEWHERE]
    assert len(own) > 3
    for manifest in own:
        validator.validate(manifest, KUBERNETES, strict=True)


def test_a_field_that_does_not_exist_would_be_found(minimal: list[Manifest]) -> None:
    validator: Any = pytest.importorskip("kubernetes_validate", reason="`make check` installs it")
    gateway = named(minimal, "Deployment", "haulage-gateway")
    gateway["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(validator.ValidationError):
        validator.validate(gateway, KUBERNETES, strict=True)
    del gateway["spec"]["template"]["spec"]["containers"][0]["livenesProbe"]


def test_every_variable_is_a_setting_that_haulage_accepts(
    manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    for container in containers(manifests):
        variables = environment(container)
        assert {name.lower() for name in variables} <= Settings.model_fields.keys()
        assert {name for name, value in variables.items() if value is None} <= SECRETS.keys()
        with monkeypatch.context() as patched:
            for name in Settings.model_fields:
                patched.delenv(name.upper(), raising=False)
            for name, value in variables.items():
                if not name.endswith("_CA_FILE"):  # there is no such file here
                    patched.setenv(name, SECRETS[name] if value is None else value)
            assert Settings().s3_endpoint  # also raises if a required one is missing


def test_without_redis_its_url_is_not_taken_from_the_secret(minimal: list[Manifest]) -> None:
    without = rendered(CHART / "ci" / "minimal.yaml", settings=["settings.QUEUE=postgres"])
    for manifests, expected in ((minimal, True), (without, False)):
        for container in containers(manifests):
            assert ("REDIS_URL" in environment(container)) is expected


def test_numbers_and_switches_arrive_as_they_were_written(scaled: list[Manifest]) -> None:
    [gateway] = pods(scaled)["haulage-gateway"]["spec"]["containers"]
    variables = environment(gateway)
    assert variables["MAX_FORM_BYTES"] == "53687091200"
    assert variables["S3_FORCE_PATH_STYLE"] == "false"
    assert variables["STREAM_DRAIN"] == "5"


def test_processes_have_the_time_to_drain(manifests: list[Manifest]) -> None:
    for pod in pods(manifests).values():
        [container] = pod["spec"]["containers"]
        if container["args"][0] == "migrate":
            continue
        set_here = {
            name.lower(): float(value or 0) for name, value in environment(container).items() if "TIMEOUT" in name
        }
        set_here["stream_drain"] = float(environment(container).get("STREAM_DRAIN") or 0)
        rest = {
            "serve": set_here["stream_drain"] + set_here.get("shutdown_timeout", 0),
            "intake": set_here.get("shutdown_timeout", 0) + CLEANUP_TIMEOUT,
            "worker": set_here.get("drain_timeout", 0),
        }[container["args"][0]]
        before = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert rest > 0
        assert pod["spec"]["terminationGracePeriodSeconds"] > before + rest + CLOSE_TIMEOUT


def test_gateways_are_removed_from_their_service_before_they_end(minimal: list[Manifest]) -> None:
    for name in ("haulage-gateway", "haulage-intake"):
        [container] = pods(minimal)[name]["spec"]["containers"]
        assert container["lifecycle"]["preStop"]["sleep"]["seconds"] == 5
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"


def test_an_autoscaler_alone_decides_on_the_number(scaled: list[Manifest], minimal: list[Manifest]) -> None:
    """Helm applies server-side: with `replicas`, an upgrade would conflict with what the autoscaler has set."""
    targets = {
        one["spec"]["scaleTargetRef"]["name"]
        for one in scaled
        if one["kind"] in {"HorizontalPodAutoscaler", "ScaledObject"}
    }
    assert targets == {"haulage-gateway", "haulage-transfers"}
    for deployment in of_kind(scaled, "Deployment"):
        assert ("replicas" in deployment["spec"]) == (deployment["metadata"]["name"] not in targets)
    assert named(scaled, "Deployment", "haulage-processing")["spec"]["replicas"] == 3
    assert all("replicas" in deployment["spec"] for deployment in of_kind(minimal, "Deployment"))


def test_pods_have_no_rights(manifests: list[Manifest]) -> None:
    for pod in pods(manifests).values():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert all("hostPath" not in volume for volume in spec.get("volumes", ()))
    for container in containers(manifests):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]


def matches(selector: dict[str, str], labels: dict[str, str]) -> bool:
    return selector.items() <= labels.items()


def test_what_refers_to_pods_finds_them(manifests: list[Manifest]) -> None:
    found = pods(manifests)
    labels = [pod["metadata"]["labels"] for pod in found.values()]
    for deployment in of_kind(manifests, "Deployment"):
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert matches(selector, deployment["spec"]["template"]["metadata"]["labels"])
        assert sum(matches(selector, each) for each in labels) == 1, "two Deployments would fight for pods"
    for service in of_kind(manifests, "Service"):
        [pod] = [pod for pod in found.values() if matches(service["spec"]["selector"], pod["metadata"]["labels"])]
        ports = {port["name"] for port in pod["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports
    for kind in ("PodDisruptionBudget", "PodMonitor"):
        for one in of_kind(manifests, kind):
            assert any(matches(one["spec"]["selector"]["matchLabels"], each) for each in labels)
    for every, *servers in filter(None, [of_kind(manifests, "NetworkPolicy")]):
        assert all(matches(every["spec"]["podSelector"]["matchLabels"], each) for each in labels)
        assert len(servers) == len(of_kind(manifests, "Service"))


def test_only_gateways_have_a_disruption_budget(minimal: list[Manifest]) -> None:
    [budget] = of_kind(minimal, "PodDisruptionBudget")
    assert budget["metadata"]["name"] == "haulage-gateway"
    assert budget["spec"]["maxUnavailable"] == 1


def test_requests_go_where_nginx_would_send_them(project: Path, scaled: list[Manifest]) -> None:
    nginx = (project / "proxy" / "nginx" / "haulage.conf").read_text(encoding="utf-8")
    [pattern] = re.findall(r"location ~ (\S+) \{\n    proxy_pass http://haulage_intake", nginx)
    intake, rest = of_kind(scaled, "HTTPRoute")[0]["spec"]["rules"]
    paths = {match["path"]["value"]: match["path"]["type"] for match in intake["matches"]}
    for path in (*paths, "/v1/upload/tus/5"):
        assert re.search(pattern, path), path
    assert {path for path, kind in paths.items() if kind == "Exact"} == {"/upload", "/v1/upload/form"}
    assert pattern.count("|") == 2, "nginx knows another path: add it to the chart"
    assert intake["backendRefs"][0]["name"] == "haulage-intake"
    assert [match["path"]["value"] for match in rest["matches"]] == ["/"]
    assert rest["backendRefs"][0]["name"] == "haulage-gateway"
    assert {rule["timeouts"]["request"] for rule in (intake, rest)} == {"0s"}, "a stream lasts for hours"
    [ingress] = of_kind(rendered(CHART / "ci" / "own-migrations.yaml"), "Ingress")
    assert "nginx" not in str(ingress)
    for rule in ingress["spec"]["rules"]:
        backends = {each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]}
        assert backends == {**dict.fromkeys(paths, "haulage-intake"), "/": "haulage-gateway"}


@pytest.mark.parametrize(
    "setting",
    ["PUBLIC_URL=https://site.example/haulage/", "PUBLIC_URL=https://site.example/haulage", "ROOT_PATH=haulage/"],
)
def test_routes_have_the_path_below_which_clients_reach_the_gateway(setting: str) -> None:
    """The gateway accepts requests with and without it, so nothing has to remove it."""
    settings = [f"settings.{setting}", "httpRoute.enabled=true", "httpRoute.parentRefs[0].name=public"]
    manifests = rendered(CHART / "ci" / "own-migrations.yaml", settings=settings)
    expected = {"/haulage/upload", "/haulage/v1/upload/form", "/haulage/v1/upload/tus", "/haulage"}
    [route], [ingress] = of_kind(manifests, "HTTPRoute"), of_kind(manifests, "Ingress")
    assert {match["path"]["value"] for rule in route["spec"]["rules"] for match in rule["matches"]} == expected
    for rule in ingress["spec"]["rules"]:
        assert {path["path"] for path in rule["http"]["paths"]} == expected


@pytest.mark.parametrize("mode", ["hook", "initContainer", "none"])
def test_the_schema_is_brought_up_to_date_by_whom_the_values_name(mode: str) -> None:
    settings = [f"migrate.mode={mode}", "migrate.createBucket=true", "migrate.createAdmin=admin"]
    manifests = rendered(CHART / "ci" / "minimal.yaml", settings=settings)
    jobs = of_kind(manifests, "Job")
    first = [pod["spec"].get("initContainers", []) for pod in pods(manifests).values()]
    assert len(jobs) == (1 if mode == "hook" else 0)
    assert [len(each) for each in first if each] == ([1, 1, 1] if mode == "initContainer" else [])
    for container in containers(manifests):
        if container["name"] == "migrate":
            assert container["args"] == ["migrate", "--create-bucket", "--create-admin", "admin"]


def test_a_hook_needs_nothing_that_is_applied_after_it(minimal: list[Manifest]) -> None:
    """Else the first installation would wait for ever."""
    [job] = of_kind(minimal, "Job")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    assert {kind for kind in ("ConfigMap", "Secret", "ServiceAccount") if of_kind(minimal, kind)} == set()


def test_groups_of_workers_have_their_own_values_and_else_the_common_ones(scaled: list[Manifest]) -> None:
    transfers, processing = (pods(scaled)[f"haulage-{name}"]["spec"] for name in ("transfers", "processing"))
    assert environment(transfers["containers"][0])["WORKER_KINDS"] == "download,upload"
    assert environment(processing["containers"][0])["WORKER_KINDS"] == "image,pdf,video"
    assert transfers["terminationGracePeriodSeconds"] == 125
    assert processing["terminationGracePeriodSeconds"] == 30
    assert (transfers.get("tolerations"), len(processing["tolerations"])) == (None, 1)


def test_settings_of_a_component_and_of_a_group_replace_the_common_ones() -> None:
    settings = ["settings.LOG_LEVEL=info", "settings.BUNDLE_REUSE=true", "worker.settings.BUNDLE_REUSE=false"]
    settings += ["worker.settings.DATABASE_POOL_SIZE=4", "gateway.settings.LOG_LEVEL=debug"]
    settings += ["workers[0].settings.DATABASE_POOL_SIZE=6", "workers[0].name=a", "workers[0].kinds={download}"]
    settings += [
        "workers[1].name=b",
        "workers[1].kinds={upload,image,pdf,video}",
        "intake.settings.MAX_CONNECTIONS=100",
    ]
    manifests = rendered(CHART / "ci" / "minimal.yaml", settings=settings)
    names = ("LOG_LEVEL", "BUNDLE_REUSE", "DATABASE_POOL_SIZE", "MAX_CONNECTIONS")
    made = {
        pod: tuple(environment(template["spec"]["containers"][0]).get(name) for name in names)
        for pod, template in pods(manifests).items()
    }
    assert made == {
        "haulage-gateway": ("debug", "true", None, None),
        "haulage-intake": ("info", "true", None, "100"),
        "haulage-a": ("info", "false", "6", None),
        "haulage-b": ("info", "false", "4", None),
        "haulage-migrate": ("info", "true", None, None),
    }


def test_further_ports_do_not_replace_those_that_every_installation_needs(minimal: list[Manifest]) -> None:
    more = rendered(CHART / "ci" / "minimal.yaml", settings=["networkPolicy.extraEgress[0].ports[0].port=587"])
    before, after = (named(made, "NetworkPolicy", "haulage")["spec"]["egress"] for made in (minimal, more))
    assert after == [*before, {"ports": [{"port": 587}]}]
    assert {port["port"] for rule in before for port in rule["ports"]} == {53, 5432, 6379, 443, 9000}


def test_gateways_keep_their_image_while_workers_get_the_next() -> None:
    settings = ["image.tag=0.2.0", "gateway.imageTag=0.1.0", "intake.imageTag=0.1.0"]
    manifests = rendered(CHART / "ci" / "minimal.yaml", settings=settings)
    made = {name: pod["spec"]["containers"][0]["image"] for name, pod in pods(manifests).items()}
    old, new = "haulage:0.1.0", "haulage:0.2.0"
    expected = {"gateway": old, "intake": old, "worker": new, "migrate": new}
    assert made == {f"haulage-{name}": image for name, image in expected.items()}


def test_metrics_are_served_and_scraped_at_one_port(scaled: list[Manifest], minimal: list[Manifest]) -> None:
    for name, pod in pods(scaled).items():
        [container] = pod["spec"]["containers"]
        if not name.endswith("migrate"):
            assert {"name": "metrics", "containerPort": 9464} in container["ports"]
            assert environment(container)["METRICS_PORT"] == "9464"
    [monitor] = of_kind(scaled, "PodMonitor")
    assert monitor["spec"]["podMetricsEndpoints"] == [{"port": "metrics", "interval": "15s"}]
    assert all("METRICS_PORT" not in environment(container) for container in containers(minimal))


def notes(case: str, *settings: str) -> str:
    """What Helm prints after an installation."""
    done = run_helm(
        *("install", "haulage", CHART, "--dry-run=client", "--disable-openapi-validation"),
        f"--values={CHART / 'ci' / case}",
        *(f"--set={each}" for each in settings),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\nNOTES:\n")[1]


def test_who_installs_it_is_told_how_to_go_on() -> None:
    printed = notes("route-and-keda.yaml")
    assert "https://downloads.example" in printed
    assert "deployment/haulage-transfers -- haulage check" in printed
    assert "haulage users signin NAME" in printed


@pytest.mark.parametrize(
    ("warning", "setting"),
    [
        ("TRUSTED_PROXIES is not set", "settings.TRUSTED_PROXIES=10.1.2.0/24"),
        ("S3_PUBLIC_ENDPOINT is not set", "settings.S3_PUBLIC_ENDPOINT=https://files.example"),
        ("S3_PUBLIC_ENDPOINT is not set", "settings.S3_ENDPOINT=https://files.example"),
        ("\nPUBLIC_URL is not set", "settings.PUBLIC_URL=https://downloads.example"),
        ("only 127.0.0.1 and\nlocalhost are accepted as hosts", "settings.ALLOWED_HOSTS=downloads.example"),
    ],
)
def test_a_setting_that_most_installations_need_is_missed(warning: str, setting: str) -> None:
    assert warning in notes("minimal.yaml")
    assert warning not in notes("minimal.yaml", setting)
