"""compose.yaml as it is shipped, run by podman-compose: the commands of docs/containers.md, and what kills containers."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.containers.conftest import blocks
from tests.containers.test_files import queries
from tests.helpers.containers import Engine, Installation
from tests.helpers.media import encoded, photo
from tests.helpers.videos import video

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

PATIENCE = 90
"""Seconds for what takes a few."""


def eventually(check: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + PATIENCE
    while not check():
        assert monotonic() < deadline, what
        sleep(0.1)


@pytest.fixture(scope="session")
def key(installation: Installation) -> str:
    """An API key of the admin."""
    return installation.shell("docker compose exec -T gateway haulage keys create tests --owner admin").strip()


@pytest.fixture
def api(installation: Installation, key: str) -> Iterator[httpx.Client]:
    """A client of nginx with a key."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=installation.url, headers=headers, timeout=90) as client:
        yield client


@pytest.fixture(scope="session")
def first_job(installation: Installation) -> str:
    """What the commands under "Use" print: the main job, from files to a bundle that was unpacked."""
    return installation.shell(blocks("Use"))


def initiate(api: httpx.Client, name: str) -> str:
    """Requests the files of the first job under a new name, so that their bundle is made anew. Returns the job's path."""
    answer = api.post("/v1/download/initiate", json={"file_ids": [10000, 10001], "archiveName": name})
    assert answer.status_code == 202, answer.text
    return str(answer.headers["Location"])


def status(api: httpx.Client, job: str) -> dict[str, Any]:
    return dict(api.get(job).raise_for_status().json())


def until_ended(api: httpx.Client, job: str) -> dict[str, Any]:
    """The status of a job once it has ended, with all of its files."""
    eventually(lambda: status(api, job)["finishedAt"] is not None, f"{job} has not ended")
    return status(api, f"{job}?since=0")


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """The process is stopped meanwhile, as a store that hangs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_main_job_goes_through_nginx_and_its_bundle_is_whole(
    first_job: str, installation: Installation, api: httpx.Client
) -> None:
    assert "No errors detected in compressed data" in first_job
    assert "event: completed" in first_job
    [job] = api.get("/v1/download/jobs").json()["jobs"]
    link = api.get(f"/v1/download/job/{job['jobId']}/download-url").json()
    assert link["url"].startswith(f"{installation.store_url}/haulage/bundles/")
    part = httpx.get(link["url"], headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"PK\x03\x04")
    page = api.get("/")
    assert (page.status_code, page.headers["Server"]) == (200, "nginx")


@pytest.mark.parametrize(("name", "role"), [("photo.jpg", "thumbnail"), ("film.mp4", "poster")])
def test_uploaded_files_get_previews_from_workers_without_rights(
    first_job: str, api: httpx.Client, tmp_path: Path, name: str, role: str
) -> None:
    del first_job
    content = encoded(photo()) if name == "photo.jpg" else video(tmp_path / name).read_bytes()
    answer = api.post("/v1/upload/form", files={"file": (name, content)})
    assert answer.status_code == 202, answer.text
    upload = until_ended(api, answer.headers["Location"])
    assert upload["status"] == "completed", upload
    processing = until_ended(api, f"/v1/download/job/{upload['processing']['jobId']}")
    assert {file["status"] for file in processing["files"]} == {"done"}, processing
    made = {
        one["role"]: one["fileId"] for one in api.get(f"/v1/files/{upload['upload']['fileId']}").json()["derivatives"]
    }
    assert len(made) == 2
    shown = api.get(f"/v1/files/{made[role]}/content", follow_redirects=True)
    assert shown.content.startswith(b"RIFF")
    assert shown.headers["Content-Type"] == "image/webp"


@pytest.mark.parametrize("sandbox", ["bubblewrap", "landlock"])
def test_either_sandbox_works_without_rights(first_job: str, installation: Installation, sandbox: str) -> None:
    """Docker's filter of system calls leaves only Landlock; that of podman is used here."""
    del first_job
    command = blocks("Images, PDFs and videos").replace("exec -T", f"exec -T --env SANDBOX={sandbox}")
    assert re.search(rf"^sandbox +ok +{sandbox},", installation.shell(command), re.MULTILINE)


def test_nobody_gets_in_without_a_key(first_job: str, installation: Installation) -> None:
    del first_job
    for path in ("/v1/download/jobs", "/v1/download/files"):
        assert httpx.get(installation.url + path).status_code == 401
    answer = httpx.post(f"{installation.url}/v1/download/initiate", json={"file_ids": [10000]})
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")


def test_the_first_admin_signs_in_with_a_link_that_works_once(installation: Installation) -> None:
    *_, command = blocks("Start").splitlines()
    page, _, secret = installation.shell(command).strip().partition("/sign-in#")
    assert page == f"http://localhost:{installation.port}"
    with httpx.Client(base_url=page, headers={"Origin": page}) as browser:
        assert browser.get("/sign-in").status_code == 200
        caller = browser.post("/v1/access/session", json={"link": secret}).raise_for_status().json()
        assert (caller["user"], caller["role"]) == ("admin", "admin")
        assert browser.get("/v1/download/jobs").status_code == 200
        assert browser.post("/v1/access/session", json={"link": secret}).status_code == 401


def test_everything_is_healthy(first_job: str, api: httpx.Client) -> None:
    del first_job
    health = api.get("/health").json()
    assert health["status"] == "healthy", health


@pytest.mark.parametrize("service", ["gateway", "worker"])
def test_containers_run_without_rights(installation: Installation, service: str) -> None:
    names = installation.containers(service)
    assert len(names) == 2
    for name in names:
        process = Path(f"/proc/{installation.pid(name)}")
        found = dict(re.findall(r"^(\w+):\s+(.*)$", (process / "status").read_text(), re.MULTILINE))
        assert found["Uid"].split() == ["10001"] * 4
        for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(found[kind], 16) == 0, kind
        assert found["NoNewPrivs"] == "1"
        [root] = re.findall(r"^\d+ \d+ \S+ \S+ / (\S+) ", (process / "mountinfo").read_text(), re.MULTILINE)
        assert root.split(",")[0] == "ro"


def test_gateways_see_the_address_that_nginx_saw(installation: Installation, engine: Engine, api: httpx.Client) -> None:
    """And not what a client claims."""
    api.get("/v1/download/jobs", headers={"X-Forwarded-For": "192.0.2.77", "X-Request-ID": "who-asks"})
    lines = [engine.run("podman", "logs", name, check=False) for name in installation.containers("gateway")]
    [line] = [line for text in lines for line in text.splitlines() if "who-asks" in line]
    assert "192.0.2.77" not in line


def test_a_gateway_that_dies_takes_no_job_with_it(
    first_job: str, installation: Installation, api: httpx.Client
) -> None:
    del first_job
    with stopped(installation.pid("haulage_minio_1")):
        job = initiate(api, "despite a dead gateway")
        eventually(lambda: status(api, job)["status"] == "processing", "no worker has begun")
        victim = installation.containers("gateway")[0]
        os.kill(installation.pid(victim), signal.SIGKILL)
        assert [api.get(job).status_code for _ in range(20)] == [200] * 20
    with api.stream("GET", job.replace("/job/", "/stream/")) as stream:
        assert "event: completed" in stream.read().decode()
    eventually(lambda: len(installation.containers("gateway")) == 2, "it was not restarted")
    installation.wait_healthy("gateway")


def test_workers_that_are_stopped_finish_their_jobs(
    first_job: str, installation: Installation, engine: Engine, api: httpx.Client
) -> None:
    del first_job
    workers = installation.containers("worker")
    with ThreadPoolExecutor() as threads:
        with stopped(installation.pid("haulage_minio_1")):
            job = initiate(api, "despite stopped workers")
            eventually(lambda: status(api, job)["status"] == "processing", "no worker has begun")
            done = [threads.submit(engine.run, "podman", "stop", "--time=35", name) for name in workers]
            for name in workers:
                eventually(lambda name=name: _received_signal(engine, name), f"{name} did not hear of it")  # type: ignore[misc]
        for each in done:
            each.result()
    assert [engine.inspect(name)["State"]["ExitCode"] for name in workers] == [0, 0]
    ended = status(api, job)
    assert (ended["status"], ended["attempt"]) == ("completed", 1)
    engine.run("podman", "start", *workers)


def _received_signal(engine: Engine, container: str) -> bool:
    return engine.inspect(container)["State"]["Status"] in {"stopping", "stopped", "exited"}


def test_a_gateway_that_is_stopped_drains(
    first_job: str, installation: Installation, engine: Engine, api: httpx.Client
) -> None:
    del first_job
    [_, name] = installation.containers("gateway")
    engine.run("podman", "stop", "--time=25", name)
    assert engine.inspect(name)["State"]["ExitCode"] == 0
    # By the gateway that was restarted above, maybe with another address: nginx leaves one that failed alone for 10 s.
    eventually(lambda: api.get("/v1/download/jobs").status_code == 200, "nginx finds no gateway")
    assert [api.get("/v1/download/jobs").status_code for _ in range(20)] == [200] * 20
    engine.run("podman", "start", name)
    installation.wait_healthy("gateway", "nginx")
    eventually(lambda: api.get("/v1/download/jobs").status_code == 200, "nginx finds no gateway")


def test_a_backup_brings_the_jobs_back(first_job: str, installation: Installation, api: httpx.Client) -> None:
    del first_job
    before = api.get("/v1/download/jobs").json()["jobs"]
    installation.shell(blocks("Back up"))
    assert (installation.folder / "haulage.dump").stat().st_size > 10_000
    assert (
        "./haulage/bundles/"
        in subprocess.run(
            ["tar", "-tzf", installation.folder / "store.tar.gz"], capture_output=True, text=True, check=True
        ).stdout
    )
    initiate(api, "after the backup")
    installation.shell(blocks("Restore"))
    installation.wait_healthy("gateway", "nginx")
    eventually(lambda: api.get("/v1/download/jobs").status_code == 200, "nginx finds no gateway")
    assert [job["jobId"] for job in api.get("/v1/download/jobs").json()["jobs"]] == [job["jobId"] for job in before]


def test_it_is_upgraded_and_scaled_as_documented(first_job: str, installation: Installation, api: httpx.Client) -> None:
    del first_job
    printed = installation.shell(
        blocks("Upgrade").replace("compose build", "compose build migrate").replace("git pull", ":")
    )
    assert "The schema is already at version" in printed
    installation.shell(blocks("Change how it runs"))
    installation.wait_healthy("gateway", "nginx")
    assert (len(installation.containers("worker")), len(installation.containers("gateway"))) == (3, 2)
    eventually(lambda: api.get("/v1/download/jobs").status_code == 200, "nginx finds no gateway")


def test_the_dashboard_asks_for_metrics_that_the_store_has(
    first_job: str, installation: Installation, project: Path
) -> None:
    del first_job
    found = httpx.get(f"{installation.store_url}/minio/v2/metrics/cluster", timeout=30).raise_for_status().text
    have = set(re.findall(r"^# TYPE (\w+) ", found, re.MULTILINE))
    asked = {name for query in queries(project) for name in re.findall(r"minio_\w+", query)}
    # Those of errors appear with the first one, and those of the usage once MinIO has counted, which takes minutes.
    assert asked - have <= {
        "minio_s3_requests_4xx_errors_total",
        "minio_s3_requests_5xx_errors_total",
        "minio_cluster_usage_object_total",
        "minio_cluster_usage_total_bytes",
    }


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "VALKEY_PASSWORD", "S3_SECRET_ACCESS_KEY"])
def test_without_a_password_nothing_starts(installation: Installation, name: str) -> None:
    lines = (installation.folder / ".env").read_text().splitlines()
    (installation.folder / "incomplete.env").write_text("\n".join(line for line in lines if not line.startswith(name)))
    printed = installation.shell("docker compose --env-file incomplete.env config; exit 0", check=False)
    assert f"{name} is missing from .env" in printed
