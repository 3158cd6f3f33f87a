"""The pods of the Helm chart, run by `podman kube play`: no Kubernetes, but its containers as the chart has them.

Podman 4.3 knows Deployments, and secrets as JSON. It ignores probes, grace periods and placement, and its volumes are
claims, not `emptyDir`. The container of the migration is run by itself. Services and policies are not run.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
import yaml

from app.stack.ports import free_ports
from tests.helpers.containers import SERVERS, Engine
from tests.helpers.helm import CHART, Manifest, environment, named, of_kind, rendered
from tests.helpers.media import encoded, photo

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

NETWORK = "haulage-kube"
PASSWORD = "only-of-this-test"
SECRETS = {
    "DATABASE_URL": f"postgresql://haulage:{PASSWORD}@postgres:5432/haulage",
    "REDIS_URL": f"redis://:{PASSWORD}@valkey:6379/0",
    "S3_ACCESS_KEY_ID": "haulage",
    "S3_SECRET_ACCESS_KEY": PASSWORD,
}
PATIENCE = 120
"""Seconds for what takes a few."""


@dataclass
class Pods:
    """What runs: podman, and the addresses of the gateway and the intake."""

    engine: Engine
    gateway: str
    intake: str

    def container(self, name: str) -> str:
        """The container of this name, in whichever pod."""
        names = self.engine.run("podman", "ps", "--all", "--format={{.Names}}").split()
        [found] = [each for each in names if each.endswith(f"-{name}") and each.startswith("haulage-")]
        return found


def until(engine: Engine, url: str) -> None:
    """Waits for a server to be ready."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert monotonic() < deadline, engine.run("podman", "ps", "--all") + logs(engine)
        sleep(0.2)


def logs(engine: Engine) -> str:
    names = engine.run("podman", "ps", "--all", "--format={{.Names}}").split()
    return "\n".join(f"--- {name}\n{engine.run('podman', 'logs', '--tail=15', name, check=False)}" for name in names)


def secret() -> str:
    """The secret that the chart expects, in the form that podman reads."""
    return json.dumps({name: b64encode(value.encode()).decode() for name, value in SECRETS.items()})


def manifests(store_port: int) -> list[Manifest]:
    """What the chart makes, for one process of each kind."""
    settings = [
        *("image.repository=localhost/haulage", "image.tag=latest"),
        *("gateway.replicas=1", "worker.replicas=1"),
        *("migrate.createBucket=true", "migrate.createAdmin=admin"),
        *("settings.S3_ENDPOINT=http://seaweedfs:8333", f"settings.S3_PUBLIC_ENDPOINT=http://127.0.0.1:{store_port}"),
        "settings.ALLOWED_HOSTS=*",
        *("worker.scratch.emptyDir=null", "worker.scratch.persistentVolumeClaim.claimName=haulage-scratch"),
    ]
    return rendered(CHART / "ci" / "minimal.yaml", settings=settings)


def migrate(engine: Engine, job: Manifest) -> None:
    """Runs the container of the migration, which podman knows no Job for, until it succeeds, as Kubernetes does."""
    [container] = job["spec"]["template"]["spec"]["containers"]
    variables = {name: SECRETS[name] if value is None else value for name, value in environment(container).items()}
    options = [f"--env={name}={value}" for name, value in variables.items()]
    run = ("podman", "run", "--rm", f"--network={NETWORK}", "--read-only", "--cap-drop=all", *options)
    deadline = monotonic() + PATIENCE
    while "The schema " not in (printed := engine.run(*run, container["image"], *container["args"], check=False)):
        assert monotonic() < deadline, printed
        sleep(0.5)


@pytest.fixture(scope="module")
def played(engine: Engine, image: str, servers: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    """The pods, beside containers of PostgreSQL, Valkey and SeaweedFS."""
    del image, servers
    engine.clean()  # of a run that was killed
    engine.run("podman", "secret", "rm", "haulage", check=False)
    engine.run("podman", "network", "rm", "--force", NETWORK, check=False)
    engine.run("podman", "network", "create", NETWORK)
    file = tmp_path_factory.mktemp("chart") / "pods.yaml"
    [store_port] = free_ports([0])
    try:
        run = ("podman", "run", "--detach", f"--network={NETWORK}")
        variables = {"USER": "haulage", "DB": "haulage", "PASSWORD": PASSWORD, "INITDB_ARGS": "--encoding=UTF8"}
        options = [f"--env=POSTGRES_{name}={value}" for name, value in variables.items()]
        engine.run(*run, "--name=postgres", *options, SERVERS["postgres"])
        engine.run(*run, "--name=valkey", SERVERS["valkey"], "valkey-server", "--requirepass", PASSWORD)
        options = ["--env=AWS_ACCESS_KEY_ID=haulage", f"--env=AWS_SECRET_ACCESS_KEY={PASSWORD}"]
        published = f"--publish=127.0.0.1:{store_port}:8333"
        store = (
            "mini",
            "-dir=/data",
            "-s3.port=8333",
            "-webdav=false",
            "-admin.ui=false",
            "-s3.autoCreateBucket=false",
        )
        engine.run(*run, "--name=seaweedfs", published, *options, SERVERS["seaweedfs"], *store)
        until(engine, f"http://127.0.0.1:{store_port}/healthz")
        file.with_name("secret.json").write_text(secret())
        engine.run("podman", "secret", "create", "haulage", file.with_name("secret.json"))
        made = manifests(store_port)
        file.write_text(yaml.safe_dump_all(of_kind(made, "Deployment")))
        migrate(engine, named(made, "Job", "haulage-migrate"))
        engine.run("podman", "kube", "play", f"--network={NETWORK}", file)
        pods = Pods(engine, f"http://{address(engine, 'gateway')}:8080", f"http://{address(engine, 'intake')}:8081")
        until(engine, f"{pods.gateway}/health/ready")
        until(engine, f"{pods.intake}/health/ready")
        yield pods
    finally:
        engine.run("podman", "kube", "down", file, check=False)
        engine.clean()
        engine.run("podman", "secret", "rm", "haulage", check=False)
        engine.run("podman", "network", "rm", "--force", NETWORK, check=False)


def address(engine: Engine, component: str) -> str:
    """The address of a pod, which this machine reaches."""
    names = engine.run("podman", "pod", "ls", "--format={{.Name}}").split()
    [name] = [each for each in names if each.startswith(f"haulage-{component}")]
    pod = json.loads(engine.run("podman", "pod", "inspect", name))
    found = engine.inspect((pod[0] if isinstance(pod, list) else pod)["InfraContainerID"])
    return str(found["NetworkSettings"]["Networks"][NETWORK]["IPAddress"])


@pytest.fixture
def api(played: Pods) -> Iterator[httpx.Client]:
    """A client of the gateway with a key."""
    create = ("podman", "exec", played.container("gateway"), "haulage", "keys", "create", "tests", "--owner", "admin")
    key = played.engine.run(*create).strip()
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=played.gateway, headers=headers, timeout=90) as client:
        yield client


def until_completed(api: httpx.Client, path: str) -> dict[str, Any]:
    """The status of a job once it is completed."""
    answer = api.get(path, headers={"Prefer": "wait=60"}).raise_for_status().json()
    assert answer["status"] == "completed", answer
    return dict(api.get(f"{path}?since=0").json())


def test_files_go_through_the_pods_of_the_chart_and_come_back_as_a_bundle(played: Pods, api: httpx.Client) -> None:
    """Intake, worker with its sandbox, gateway, and the migration that ran first: the main job end to end."""
    contents = {"photo.jpg": encoded(photo()), "note.txt": b"written by the test\n"}
    ids = []
    for name, content in contents.items():
        answer = api.post(f"{played.intake}/v1/upload/form", files={"file": (name, content)})
        assert answer.status_code == 202, answer.text
        upload = until_completed(api, answer.headers["Location"])
        ids.append(upload["upload"]["fileId"])
        if name == "photo.jpg":
            processing = until_completed(api, f"/v1/download/job/{upload['processing']['jobId']}")
            assert {file["status"] for file in processing["files"]} == {"done"}, processing
    answer = api.post("/v1/download/initiate", json={"file_ids": ids, "archiveName": "from pods"})
    assert answer.status_code == 202, answer.text
    job = answer.headers["Location"]
    until_completed(api, job)
    bundle = api.get(f"{job}/file", follow_redirects=True).raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        assert {name: archive.read(name) for name in contents} == contents


def test_containers_of_the_chart_have_no_rights(played: Pods) -> None:
    for name in ("gateway", "intake", "worker"):
        pid = played.engine.inspect(played.container(name))["State"]["Pid"]
        process = Path(f"/proc/{pid}")
        found = dict(re.findall(r"^(\w+):\s+(.*)$", (process / "status").read_text(), re.MULTILINE))
        assert found["Uid"].split() == ["10001"] * 4
        assert {int(found[kind], 16) for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert found["NoNewPrivs"] == "1"
        [root] = re.findall(r"^\d+ \d+ \S+ \S+ / (\S+) ", (process / "mountinfo").read_text(), re.MULTILINE)
        assert root.split(",")[0] == "ro"


def test_pods_end_by_themselves_when_they_are_stopped(played: Pods) -> None:
    """Within the grace period of the chart, after which Kubernetes kills them."""
    for name, grace in (("worker", 30), ("intake", 20), ("gateway", 20)):
        container = played.container(name)
        played.engine.run("podman", "stop", f"--time={grace}", container)
        assert played.engine.inspect(container)["State"]["ExitCode"] == 0, name
