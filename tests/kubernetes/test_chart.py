"""The chart in a cluster: what its API server, controllers and scheduler make of it. `make kubernetes` runs this."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.helpers.eventually import eventually
from tests.helpers.helm import CASES, CHART, Manifest, of_kind, rendered
from tests.kubernetes.cluster import NODES, PATIENCE, Cluster

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(600)]

MINIMAL = CHART / "ci" / "minimal.yaml"
SCALED = CHART / "ci" / "route-and-keda.yaml"
FOREIGN = {"HTTPRoute", "ScaledObject", "TriggerAuthentication", "PodMonitor"}
"""Kinds that are not of Kubernetes itself."""
KEDA = 5
"""Replicas that an autoscaler wants."""


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """One that admits only pods of the strictest of the Pod Security Standards."""
    name = f"downloads-{uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = cluster.create(
        "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    made.raise_for_status()
    account = f"/api/v1/namespaces/{name}/serviceaccounts/default"  # the controllers add it, and pods need it
    asyncio.run(eventually(lambda: cluster.api.get(account).is_success, patience=PATIENCE))
    yield name
    cluster.api.delete(f"/api/v1/namespaces/{name}").raise_for_status()


def deployments(namespace: str) -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments"


def pods(cluster: Cluster, namespace: str, component: str) -> list[dict[str, Any]]:
    """The pods of a part that run."""
    found = cluster.items(f"/api/v1/namespaces/{namespace}/pods", f"app.kubernetes.io/component={component}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def names(found: list[dict[str, Any]]) -> set[str]:
    return {one["metadata"]["name"] for one in found}


def apply(cluster: Cluster, namespace: str, values: Path, *arguments: str) -> None:
    """Installs the chart, or upgrades what is installed, and waits until all of it runs."""
    done = cluster.helm(
        "upgrade",
        "haulage",
        CHART,
        "--install",
        f"--namespace={namespace}",
        f"--values={values}",
        "--wait",
        f"--timeout={PATIENCE - 10:g}s",
        *arguments,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def scale(cluster: Cluster, namespace: str, deployment: str, replicas: int) -> None:
    """Sets the number of pods by the subresource that autoscalers use."""
    path = f"{deployments(namespace)}/{deployment}/scale"
    found = cluster.api.get(path).raise_for_status().json()
    found["spec"]["replicas"] = replicas
    cluster.api.put(path, json=found, params={"fieldManager": "autoscaler"}).raise_for_status()


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_knows_every_field(cluster: Cluster, namespace: str, case: str) -> None:
    for manifest in rendered(CHART / "ci" / case):
        manifest["metadata"].pop("namespace", None)
        response = cluster.create(cluster.collection(manifest, namespace), manifest, dry_run=True)
        assert response.status_code == HTTPStatus.CREATED, f"{manifest['kind']}: {response.text}"


def test_it_refuses_a_field_that_a_foreign_type_does_not_have(cluster: Cluster, namespace: str) -> None:
    seen = {}
    for manifest in rendered(SCALED):
        if manifest["kind"] in FOREIGN:
            manifest["metadata"].pop("namespace", None)
            manifest["spec"]["misspelt"] = 1
            seen[manifest["kind"]] = cluster.create(cluster.collection(manifest, namespace), manifest, dry_run=True)
    assert seen.keys() == FOREIGN
    for response in seen.values():
        assert response.status_code == HTTPStatus.BAD_REQUEST
        assert 'unknown field "spec.misspelt"' in response.json()["message"]


@pytest.mark.parametrize("case", CASES)
def test_everything_runs_and_is_removed(cluster: Cluster, namespace: str, case: str) -> None:
    """Also as the strictest of the Pod Security Standards wants it, or else there were no pods."""
    values = CHART / "ci" / case
    apply(cluster, namespace, values)
    expected = of_kind(rendered(values), "Deployment")
    found = {one["metadata"]["name"]: one for one in cluster.items(deployments(namespace))}
    assert found.keys() == {one["metadata"]["name"] for one in expected}
    for one in expected:
        name, replicas = one["metadata"]["name"], one["spec"].get("replicas")
        status = found[name]["status"]
        assert status["readyReplicas"] == status["replicas"] == status["updatedReplicas"]
        assert replicas in {None, status["replicas"]}, name
    assert cluster.helm("uninstall", "haulage", f"--namespace={namespace}", "--wait").returncode == 0
    assert left(cluster, namespace, rendered(values)) == []


def left(cluster: Cluster, namespace: str, manifests: list[Manifest]) -> list[str]:
    """What there is in the namespace of the kinds that the chart makes."""
    paths = {cluster.collection(manifest, namespace) for manifest in manifests}
    return [one["metadata"]["name"] for path in paths for one in cluster.items(path)]


def test_an_upgrade_keeps_what_the_autoscalers_have_set(cluster: Cluster, namespace: str) -> None:
    """With server-side apply, an upgrade that names `replicas` would fail, since the autoscaler owns the field."""
    apply(cluster, namespace, SCALED)
    asyncio.run(eventually(lambda: len(pods(cluster, namespace, "gateway")) == 2, patience=PATIENCE))  # by the HPA
    before = names(pods(cluster, namespace, "transfers"))
    scale(cluster, namespace, "haulage-transfers", KEDA)
    apply(cluster, namespace, SCALED, "--set-string=image.tag=2")
    assert len(pods(cluster, namespace, "transfers")) == KEDA
    assert len(pods(cluster, namespace, "gateway")) == 2
    upgraded = pods(cluster, namespace, "transfers")
    assert not before & names(upgraded)
    assert {pod["spec"]["containers"][0]["image"] for pod in upgraded} == {"registry.example/haulage:2"}

    done = cluster.helm("rollback", "haulage", f"--namespace={namespace}", "--wait", f"--timeout={PATIENCE - 10:g}s")
    assert done.returncode == 0, done.stdout + done.stderr
    back = pods(cluster, namespace, "transfers")
    assert {pod["spec"]["containers"][0]["image"] for pod in back} == {"registry.example/haulage:1"}
    assert len(back) == KEDA


def test_the_workers_can_be_upgraded_before_the_gateways(cluster: Cluster, namespace: str) -> None:
    """As the README of the chart says, in two steps."""
    apply(cluster, namespace, MINIMAL, "--set=image.tag=0.1.0")
    gateways, workers = (names(pods(cluster, namespace, part)) for part in ("gateway", "worker"))
    apply(
        cluster,
        namespace,
        MINIMAL,
        "--set=image.tag=0.2.0",
        "--set=gateway.imageTag=0.1.0",
        "--set=intake.imageTag=0.1.0",
    )
    assert names(pods(cluster, namespace, "gateway")) == gateways
    assert not names(pods(cluster, namespace, "worker")) & workers
    apply(cluster, namespace, MINIMAL, "--set=image.tag=0.2.0")
    assert not names(pods(cluster, namespace, "gateway")) & gateways


def test_evictions_take_gateways_one_after_the_other(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, MINIMAL)
    budgets = f"/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"

    def is_counted() -> bool:
        [budget] = cluster.items(budgets)
        return bool(budget["status"].get("disruptionsAllowed") == 1)

    asyncio.run(eventually(is_counted, patience=PATIENCE))
    statuses = []
    for name in sorted(names(pods(cluster, namespace, "gateway"))):
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
        statuses.append(cluster.create(f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", eviction).status_code)
    assert statuses == [HTTPStatus.CREATED, HTTPStatus.TOO_MANY_REQUESTS]


def test_the_pods_of_a_part_are_spread_over_the_zones(cluster: Cluster, namespace: str) -> None:
    apply(cluster, namespace, MINIMAL)
    for part in ("gateway", "worker"):
        assert {pod["spec"]["nodeName"] for pod in pods(cluster, namespace, part)} == NODES.keys()
