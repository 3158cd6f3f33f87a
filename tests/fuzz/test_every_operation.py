"""Requests of all kinds to every operation, made by schemathesis from the OpenAPI document, also such as nobody writes.

No response is a server error, and each is as the document says: status, headers, type and content. `make fuzz` sends more,
and others each time.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.access.principals import Role
from jobs.engine.jobs import Status
from jobs.services import Services
from tests.app.shared import Shared, in_state, link
from tests.helpers.access import UNLIMITED, Headers, key_of, session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.running import taking_in, working
from tests.helpers.settings import with_changes

OWNER = "olga"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
"""Requests for each operation besides the systematic ones; with it, other ones in each run."""
CI_EXAMPLES = "8"

CONFIGURATION = """
hooks = {hooks}
continue-on-failure = true
request-timeout = 30.0
# Each stream has at least one event, or ends: one that is open would go on.
max-stream-events = 1
warnings = false

[generation]
database = "none"

# Not everything that is refused can be told from the document: an unknown cursor, an id that is repeated.
[checks.positive_data_acceptance]
enabled = false

[dictionaries]
jobs = {{ values = {jobs} }}
streams = {{ values = {streams} }}
ids = {{ values = {ids} }}
files = {{ values = {files} }}

[parameters]
"path.jobId" = {{ dictionary = "jobs", probability = 0.8 }}
"path.id" = {{ dictionary = "ids", probability = 0.5 }}
"query.jobs" = {{ dictionary = "streams", probability = 0.8 }}
"body.file_id" = {{ dictionary = "files", probability = 0.7 }}
"body.file_ids[*]" = {{ dictionary = "files", probability = 0.7 }}
"body.files[*].file_id" = {{ dictionary = "files", probability = 0.7 }}

# DELETE cancels a job, which can be read afterwards.
[[operations]]
include-path-regex = "^/v1/(download|upload)/"
checks.use_after_free.enabled = false
"""


async def known_values(shared: Shared, headers: Headers, owner: str) -> dict[str, list[Any]]:
    """Values for parameters that lead somewhere: jobs in every state, files, keys, sessions and share links."""
    ids: list[str] = []
    jobs = [await in_state(shared, status, owner=owner) for status in Status]
    jobs.append(await shared.dead(owner=owner))
    for job in jobs:
        answer = await shared.api.post(link(job, "/shares"), headers=headers, json={})
        ids += [answer.json()["id"]] if answer.status_code == 201 else []
    for number in range(5):
        ids += [f"fuzzkey{number}", f"session{number}"]
        await key_of(shared.services, OWNER, Role.ADMIN, key_id=ids[-2])
        await session_of(shared.services, OWNER, Role.ADMIN, session_id=ids[-1])
    return {
        "jobs": [str(job.id) for job in jobs],
        "streams": [f"{job.id}:0" for job in jobs] + [f"{jobs[0].id}:0,{jobs[1].id}:1"],
        "ids": ids,
        "files": [await shared.catalogue.add(b"x" * size, f"{size}.txt") for size in (0, 1, 1000)],
    }


async def described(api: httpx.AsyncClient) -> dict[str, Any]:
    """The OpenAPI document without `default`, with which every status would be a documented one."""
    document: dict[str, Any] = (await api.get("/openapi.json")).json()
    for operations in document["paths"].values():
        for operation in operations.values():
            del operation["responses"]["default"]
    return document


async def schemathesis(folder: Path, url: str, *options: str, environment: Mapping[str, str]) -> tuple[int, str]:
    """Runs `st run` with the document and the configuration in the folder. Returns its exit code and output."""
    seed = [] if EXAMPLES else ["--seed", "1"]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("st"), "--config-file", str(folder / "schemathesis.toml"), "--no-color",
        "run", str(folder / "openapi.json"), "--url", url, "--max-examples", EXAMPLES or CI_EXAMPLES, *seed, *options,
        cwd=folder,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode()


REQUIRED: dict[str, Any] = {"auth_mode": "required", **UNLIMITED}
FORMS = ("uploadForm", "uploadFormAlias")
"""What the gateway redirects without a look at the body."""


@pytest.mark.timeout(3600 if EXAMPLES else 600)  # half a minute, and far more on a busy machine
@pytest.mark.parametrize(
    ("changes", "has_key"),
    [({}, False), (REQUIRED, True), (REQUIRED, False)],
    ids=["open", "with a key", "without a key"],
)
async def test_every_response_is_as_it_is_described(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue, tmp_path: Path, has_key: bool
) -> None:
    shared = Shared(api=api, services=services, catalogue=catalogue)
    headers = await key_of(services, OWNER, Role.ADMIN, key_id="ownkey")
    is_open = services.settings.auth_mode == "open"
    values = await known_values(shared, {} if is_open else headers, "anonymous" if is_open else OWNER)
    (tmp_path / "openapi.json").write_text(json.dumps(await described(api)))
    texts = {name: json.dumps(value) for name, value in values.items()}
    hooks = json.dumps(str(Path(__file__).with_name("hooks.py")))
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(hooks=hooks, **texts))
    options = ["--header", f"Authorization: {headers['Authorization']}"] if has_key else []
    options += [option for name in FORMS for option in ("--exclude-operation-id", name)]
    async with working(services.settings):
        code, out = await schemathesis(tmp_path, str(api.base_url), *options, environment={"FUZZ_KEY_ID": "ownkey"})
    assert code == 0, out


async def test_every_response_of_the_intake_to_a_form_is_as_it_is_described(
    api: httpx.AsyncClient, services: Services, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(await described(api)))
    (tmp_path / "schemathesis.toml").write_text("[checks.positive_data_acceptance]\nenabled = false\n")
    async with taking_in(with_changes(services.settings, max_open_uploads=10_000)) as intake:
        code, out = await schemathesis(tmp_path, intake, "--include-operation-id", "uploadForm", environment={})
    assert code == 0, out
