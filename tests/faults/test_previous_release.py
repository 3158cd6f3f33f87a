"""Gateways and workers from before uploads beside a database that has some, as while an installation is upgraded.

What old workers can't do is left to new ones: clean up after cancelled uploads, and take over uploads of lost workers.
They log an error (`sweep_failed`) for as long as there is such an upload, so there is none here. Old gateways respond
with 500 to requests about an upload.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jobs.engine.jobs import Failure
from jobs.errors import ErrorClass
from tests.faults import checks
from tests.faults.ground import Ground
from tests.faults.members import ROOT
from tests.helpers.uploads import completed, files_of, sent

MIGRATION = "jobs/migrations/versions/0007_uploads.py"
STATES = "SELECT id, status, phase, fence, seq, attempt, cleanup_at FROM jobs WHERE kind = 'upload' ORDER BY id"


@pytest.fixture(scope="module")
def before_uploads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code as it was before the migration for uploads, from the repository's history."""

    def git(*arguments: str) -> bytes:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, check=True).stdout

    try:
        added = git("log", "--diff-filter=A", "--format=%H", "--", MIGRATION).decode().strip()
        archive = git("archive", f"{added}^", "app", "jobs")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("this checkout has no history")
    folder = tmp_path_factory.mktemp("before-uploads")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    return folder


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_old_processes_leave_uploads_alone_and_new_ones_complete_them(
    ground: Ground, before_uploads: Path
) -> None:
    services, fleet = ground.services, ground.fleet
    receiving = await sent(services, b"receiving")
    queued = await completed(services, b"queued")
    waiting = await completed(services, b"waiting")
    claimed = await services.lifecycle.claim(waiting.id, waiting.fence, "new")
    assert claimed is not None
    await services.lifecycle.park(claimed.job, Failure(error_class=ErrorClass.STORAGE, message="away"), 0.1)
    before = await ground.rows(STATES)
    file_id = await ground.file()

    old = await fleet.worker(root=before_uploads)
    _, url = await fleet.gateway(root=before_uploads)
    api = await ground.api(url)
    started = await api.post("/v1/download/initiate", json={"file_ids": [file_id], "archiveName": "a.zip"})
    assert started.status_code == 202
    jobs = [await ground.job(file_id) for _ in range(3)]
    await ground.ended([*jobs, started.json()["jobId"]])
    listed = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert {one["status"] for one in listed} == {"completed"}
    assert len(listed) == 4
    assert await ground.rows(STATES) == before
    await old.drain()

    await fleet.worker()
    await services.uploads.complete(receiving.id)
    await ground.ended([receiving.id, queued.id, waiting.id])
    for one in (receiving, queued, waiting):
        assert len(await files_of(services, one.id)) == 1
    checks.assert_no_errors(ground)
