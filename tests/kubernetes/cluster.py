"""A control plane of Kubernetes on this machine: etcd, API server, controllers and scheduler are real.

Its nodes are not: kwok answers for their kubelets. It says that a pod's containers run, and that a job's have ended, but
nothing is started.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from ssl import create_default_context
from typing import Any

import httpx
import yaml

from app.stack.ports import HOST, free_ports
from tests.helpers.eventually import eventually
from tests.helpers.helm import Manifest, run_helm

NODES = {"node-1": "zone-a", "node-2": "zone-b"}
"""Names, and the zones that they are in."""
VOLUMES = 4
"""How many claims for volumes can be met: nothing makes any on demand."""
PATIENCE = 120.0
"""Seconds within which a server is ready, or what was applied has been carried out."""


class Cluster:
    """What the API server has, and a helm that talks to it."""

    def __init__(self, api: httpx.Client, kubeconfig: Path) -> None:
        self.api = api
        self.kubeconfig = kubeconfig

    def helm(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_helm(*arguments, kubeconfig=self.kubeconfig, timeout=PATIENCE)

    def create(self, path: str, manifest: Manifest, *, dry_run: bool = False) -> httpx.Response:
        """The response to a request to create an object, whose fields must all be known. `path`: that of its collection."""
        asked = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        return self.api.post(path, json=manifest, params=asked)

    def collection(self, manifest: Manifest, namespace: str) -> str:
        """The path of the collection that an object of this kind belongs to, as the API server's discovery has it."""
        version = manifest["apiVersion"]
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        found = self.api.get(root).raise_for_status().json()["resources"]
        [plural] = [one["name"] for one in found if one["kind"] == manifest["kind"] and "/" not in one["name"]]
        return f"{root}/namespaces/{namespace}/{plural}"

    def items(self, path: str, selector: str = "") -> list[dict[str, Any]]:
        """The objects of a collection, and of a selection by labels."""
        listed = self.api.get(path, params={"labelSelector": selector}).raise_for_status().json()
        return list(listed["items"])


@contextmanager
def running(programs: Path, folder: Path) -> Iterator[Cluster]:
    """A cluster with two nodes and the foreign types of objects. `programs` is the folder that build.sh has made."""
    etcd_port, etcd_peer, port = free_ports([0, 0, 0])
    token, etcd_url = secrets.token_hex(16), f"http://{HOST}:{etcd_port}"
    (folder / "tokens.csv").write_text(f"{token},admin,admin,system:masters\n")
    subprocess.run(
        ["openssl", "genrsa", "-out", folder / "accounts.pem", "2048"], check=True, capture_output=True, timeout=60
    )
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(yaml.safe_dump(_kubeconfig(port, token, folder / "apiserver.crt")))
    with ExitStack() as stack:

        def start(program: str, *arguments: str) -> subprocess.Popen[bytes]:
            return stack.enter_context(_process(folder, [programs / program, *arguments]))

        peer = f"http://{HOST}:{etcd_peer}"
        start(
            "etcd",
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={etcd_url}",
            f"--advertise-client-urls={etcd_url}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        server = start(
            "kube-apiserver",
            f"--etcd-servers={etcd_url}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            f"--cert-dir={folder}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'accounts.pem'}",
            f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        )
        asyncio.run(eventually((folder / "apiserver.crt").exists, patience=PATIENCE))
        api = stack.enter_context(
            httpx.Client(
                base_url=f"https://{HOST}:{port}",
                headers={"Authorization": f"Bearer {token}"},
                verify=create_default_context(cafile=str(folder / "apiserver.crt")),
                timeout=60,
            )
        )
        asyncio.run(eventually(lambda: _is_ready(api, server, folder), patience=PATIENCE))
        configured, alone = f"--kubeconfig={kubeconfig}", ("--secure-port=0", "--leader-elect=false")
        start(
            "kube-controller-manager",
            configured,
            *alone,
            f"--service-account-private-key-file={folder / 'accounts.pem'}",
            f"--root-ca-file={folder / 'apiserver.crt'}",
            f"--bind-address={HOST}",
        )
        start("kube-scheduler", configured, *alone)
        (folder / "stages.yaml").write_text(_stages(programs / "stages"))
        start("kwok", configured, "--manage-all-nodes=true", f"--config={folder / 'stages.yaml'}")
        cluster = Cluster(api, kubeconfig)
        _furnish(cluster, programs / "crds")
        yield cluster


@contextmanager
def _process(folder: Path, command: Sequence[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs in the block, and writes its log into the folder."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / f"{Path(command[0]).name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=own, stdout=log, stderr=log, cwd=folder)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _is_ready(api: httpx.Client, server: subprocess.Popen[bytes], folder: Path) -> bool:
    assert server.poll() is None, (folder / "kube-apiserver.log").read_text()
    with suppress(httpx.TransportError):
        return api.get("/readyz").is_success
    return False


def _kubeconfig(port: int, token: str, authority: Path) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "test", "cluster": {"server": f"https://{HOST}:{port}", "certificate-authority": str(authority)}}
        ],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
        "current-context": "test",
    }


def _stages(folder: Path) -> str:
    """What kwok does to nodes and pods, as one file: its own stages, those without delays."""
    files = [
        path
        for part in ("node/fast", "node/heartbeat-with-lease", "pod/fast")
        for path in sorted((folder / part).glob("*.yaml"))
        if path.name != "kustomization.yaml"
    ]
    return "\n---\n".join(path.read_text(encoding="utf-8") for path in files)


def _furnish(cluster: Cluster, types: Path) -> None:
    """Adds the foreign types of objects, nodes and volumes, and waits until they can be used."""
    for path in sorted(types.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            if manifest and manifest["kind"] == "CustomResourceDefinition":
                cluster.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", manifest).raise_for_status()
    for name, zone in NODES.items():
        cluster.create("/api/v1/nodes", _node(name, zone)).raise_for_status()
    for number in range(VOLUMES):
        cluster.create("/api/v1/persistentvolumes", _volume(f"volume-{number}")).raise_for_status()

    def is_ready() -> bool:
        nodes = cluster.items("/api/v1/nodes")
        types = cluster.items("/apis/apiextensions.k8s.io/v1/customresourcedefinitions")
        return all(_condition(one, "Ready") for one in nodes) and all(_condition(one, "Established") for one in types)

    asyncio.run(eventually(is_ready, patience=PATIENCE))


def _condition(manifest: Manifest, name: str) -> bool:
    conditions = manifest.get("status", {}).get("conditions", [])
    return any(one["type"] == name and one["status"] == "True" for one in conditions)


def _volume(name: str) -> Manifest:
    spec = {
        "capacity": {"storage": "10Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nonexistent"},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _node(name: str, zone: str) -> Manifest:
    room = {"cpu": "32", "memory": "256Gi", "pods": "110", "ephemeral-storage": "1Ti"}
    labels = {
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/os": "linux",
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": zone,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": room, "capacity": room},
    }
