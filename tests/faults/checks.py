"""What holds after every fault: nothing lost, one effect a job, nothing stuck, nothing left in the store.

For uploads also: one file of the catalogue, with the bytes that were sent, and none of what was refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zlib import crc32

from jobs.bundles.orphans import PROBE_AGE, Orphans
from tests.faults.ground import POLL, Ground
from tests.faults.loads import Sender
from tests.helpers.jobs import bring_cleanups_forward

CLEANUP_TIMEOUT = 60.0
"""Seconds after which the store holds no object and no upload that no row points to."""
SAMPLE = 5
"""Bundles that are opened and verified."""
QUIET = ("run_job failed, CancelledError",)
"""What arq calls an error: the end of its own task, whose claim goes on in the runner."""
ENDS = {"completed", "failed", "cancelled", "expired"}


async def assert_consistent(ground: Ground, *, failed: int = 0) -> None:
    """Asserts it all. So many jobs were to fail; a worker must run, or what is left in the store stays there."""
    problems = await problems_of(ground)
    assert not problems, f"{len(problems)} problems: " + "\n".join(problems[:20])
    statuses = [it["status"] for it in await ground.rows("SELECT status FROM jobs")]
    assert statuses.count("failed") == failed, f"{statuses.count('failed')} jobs failed"
    assert_no_errors(ground)


def assert_no_errors(ground: Ground) -> None:
    """Asserts that no process has logged an error."""
    lines = [(member.name, it.event) for member in ground.fleet.members for it in member.errors()]
    errors = [f"{name}: {event}" for name, event in lines if not any(quiet in event for quiet in QUIET)]
    assert not errors, "\n".join(errors[:20])


async def problems_of(ground: Ground) -> list[str]:
    """Every violated invariant, a sentence each."""
    rows = {it["id"]: it for it in await ground.rows("SELECT * FROM jobs JOIN download_jobs ON job_id = id")}
    problems = [f"{job_id} was promised and is lost" for job_id in ground.accepted - set(rows)]
    problems += [f"{it['id']} is stuck: {it['status']}" for it in rows.values() if it["status"] not in ENDS]
    problems += await effects(ground)
    problems += await _leftovers(ground, rows)
    problems += [it for row in _bundles(rows)[:SAMPLE] if (it := await _opened(ground, row))]
    return problems


async def effects(ground: Ground) -> list[str]:
    """One `succeed` for each job that is completed, none for the others; tells where that is not so."""
    counted = await ground.rows("SELECT job_id, count(*) AS times FROM job_events WHERE command = 'succeed' GROUP BY 1")
    times = {it["job_id"]: it["times"] for it in counted}
    rows = await ground.rows("SELECT id, status FROM jobs")
    wanted = {row["id"]: int(row["status"] in {"completed", "expired"}) for row in rows}
    return [
        f"{job_id} has succeeded {times.get(job_id, 0)} times, not {count}"
        for job_id, count in wanted.items()
        if times.get(job_id, 0) != count
    ]


async def _leftovers(ground: Ground, rows: Mapping[UUID, Mapping[str, Any]]) -> list[str]:
    """Uploads have to be gone in time. Objects are left to late calls a while longer: their time is brought forward.

    So is that of probes: what a process can't delete during an outage, the search for orphans removes an hour later.
    """
    uploads = await _remaining(lambda: _uploads(ground))
    services = ground.services
    await bring_cleanups_forward(services)
    later = PROBE_AGE + timedelta(minutes=1)
    await Orphans(services.database, services.storage, ground.settings, lambda: datetime.now(UTC) + later).remove()
    return uploads + await _remaining(lambda: _objects(ground, rows))


async def _remaining(look: Callable[[], Awaitable[list[str]]]) -> list[str]:
    """What is still found after `CLEANUP_TIMEOUT`."""
    found = await look()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLEANUP_TIMEOUT):
            while found:
                await asyncio.sleep(5 * POLL)
                found = await look()
    return found


async def _uploads(ground: Ground) -> list[str]:
    rows = await ground.rows("SELECT upload_id FROM download_jobs WHERE upload_id IS NOT NULL")
    known = {it["upload_id"] for it in rows}
    uploads = await ground.services.storage.multipart.list_uploads("bundles/")
    return [f"the upload {it.id} of {it.key} is left" for it in uploads if it.id not in known]


async def _objects(ground: Ground, rows: Mapping[UUID, Mapping[str, Any]]) -> list[str]:
    """Every bundle that can be fetched has one object, and there is no other."""
    there: defaultdict[str, list[str]] = defaultdict(list)
    async for info in ground.services.storage.objects.list("bundles/"):
        there[info.key.split("/")[1]].append(info.key)
    wanted = {str(row["id"]): [row["result_key"]] for row in _bundles(rows)}
    return [
        f"under bundles/{job_id}/ there are {there.get(job_id, [])}, not {wanted.get(job_id, [])}"
        for job_id in wanted.keys() | there.keys()
        if there.get(job_id, []) != wanted.get(job_id, [])
    ]


def _bundles(rows: Mapping[UUID, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows.values() if row["status"] == "completed" and row["result_kind"] == "bundle"]


async def _opened(ground: Ground, row: Mapping[str, Any]) -> str | None:
    objects = ground.services.storage.objects
    with tempfile.TemporaryFile() as file:
        async for chunk in objects.read(row["result_key"], row["result_etag"], 0, row["result_size"]):
            file.write(chunk)
        try:
            with zipfile.ZipFile(file) as archive:
                broken = await asyncio.to_thread(archive.testzip)
        except zipfile.BadZipFile as error:
            return f"{row['result_key']} is no archive: {error}"
    return f"{row['result_key']}: {broken} is broken" if broken else None


async def assert_uploads_consistent(ground: Ground, sent: Sequence[Sender], refused: Sequence[Sender] = ()) -> None:
    """Asserts what holds for uploads. Those in `refused` were to fail; the objects of these are kept for a retry."""
    problems = await upload_problems(ground, sent, refused)
    assert not problems, f"{len(problems)} problems: " + "\n".join(problems)
    assert_no_errors(ground)


async def upload_problems(ground: Ground, sent: Sequence[Sender], refused: Sequence[Sender]) -> list[str]:
    """Every violated invariant, a sentence each."""
    jobs = await ground.rows("SELECT id, status, error_message FROM jobs")
    statuses = {it["id"]: it["status"] for it in jobs}
    messages = {it["id"]: it["error_message"] for it in jobs}
    wanted = {it.job_id: "completed" for it in sent} | {it.job_id: "failed" for it in refused}
    problems = [f"{job_id} was promised and is lost" for job_id in ground.accepted - set(statuses)]
    problems += [
        f"{it} is {statuses.get(it)} ({messages.get(it)}), not {status}"
        for it, status in wanted.items()
        if statuses.get(it) != status
    ]
    problems += await effects(ground)
    problems += await early_files(ground)
    for sender in sent:
        rows = await ground.rows("SELECT * FROM stored_files WHERE job_id = :id", id=sender.job_id)
        content = (len(sender.data), crc32(sender.data), hashlib.sha256(sender.data).hexdigest(), "clean")
        found = [(it["size"], it["crc32"], it["sha256"], it["scan"]) for it in rows]
        if found != [content]:
            problems.append(f"{sender.job_id} has the files {found}, not one with {content}")
    keys = sorted([info.key async for info in ground.services.storage.objects.list("raw/")])
    if keys != sorted(f"raw/{it.job_id}/original" for it in (*sent, *refused)):
        problems.append(f"the store has the objects {keys}")
    uploads = await ground.services.storage.multipart.list_uploads("raw/")
    return problems + [f"the upload {it.id} of {it.key} is left" for it in uploads]


async def early_files(ground: Ground) -> list[str]:
    """Files that are in the catalogue although their uploads are not completed."""
    query = "SELECT job_id, status FROM stored_files JOIN jobs ON jobs.id = job_id WHERE status <> 'completed'"
    return [f"{it['job_id']} is {it['status']}, and has a file" for it in await ground.rows(query)]
