"""`haulage keys` and `haulage users`, and what `haulage check` and `haulage up` say about what is open."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cli.access_commands import add_user, create_key
from app.cli.file_commands import FileRights
from app.cli.local_stack.openness import Openness
from app.cli.open_settings import find_open
from app.exit_codes import ExitCode
from jobs.access.audit import list_entries
from jobs.access.revocations import read_revocations
from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest, Status
from jobs.engine.sql.admissions import Admission, JobLimits
from jobs.errors import InvalidRequest
from jobs.files.visibility import Visibility
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.processes import Cli, variables
from tests.helpers.access import key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, read
from tests.helpers.settings import with_changes

KEY = re.compile(r"haulage_[0-9a-f]{64}")
REQUIRED = {"auth_mode": "required"}


@pytest.fixture
def changes() -> dict[str, Any]:
    return REQUIRED


async def test_a_key_is_shown_once_and_opens_what_its_scopes_say(
    cli: Cli, settings: Settings, gateway: str, tmp_path: Path, api: httpx.AsyncClient
) -> None:
    done = await cli("keys", "create", "backup", "--scopes", "jobs")
    assert done.code == 0, done.error
    key = done.out.strip()
    assert KEY.fullmatch(key)
    [listed] = (await cli("keys", "list", "--json")).json
    assert (listed["owner"], listed["name"], listed["scopes"]) == ("backup", "backup", ["jobs:read", "jobs:write"])
    assert listed["expiresAt"] is not None
    assert listed["id"] in done.error
    refused = await cli("jobs", "list")
    assert refused.code == 9
    assert "HAULAGE_TOKEN" in refused.error
    with_key = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": gateway, "HAULAGE_TOKEN": key})
    assert (await with_key("jobs", "list")).code == 0
    bearer = {"Authorization": f"Bearer {key}"}
    assert (await api.get("/v1/download/files", headers=bearer)).status_code == 403
    done = await cli("keys", "revoke", listed["id"], "unknown")
    assert (done.code, done.out) == (4, f"Key {listed['id']} was revoked.\n")
    assert "There is no valid key unknown." in done.error
    assert (await api.get("/v1/download/jobs", headers=bearer)).status_code == 401


async def test_a_link_of_the_terminal_signs_a_user_in(cli: Cli, api: httpx.AsyncClient) -> None:
    assert (await cli("users", "add", "anna", "--role", "admin", "--groups", "team,lab")).code == 0
    assert (await cli("users", "list", "--json")).json == [
        {"name": "anna", "role": "admin", "groups": ["lab", "team"], "plan": None}
    ]
    link = (await cli("users", "signin", "anna", "--json")).json["link"]
    page, secret = link.split("#")
    assert page.endswith("/sign-in")
    assert "sign-in.js" in (await api.get("/sign-in")).text
    answer = await api.post("/v1/access/session", json={"link": secret})
    assert (answer.json()["user"], answer.json()["groups"]) == ("anna", ["lab", "team"])


async def test_users_and_keys_have_plans(cli: Cli) -> None:
    assert (await cli("users", "add", "anna", "--plan", "premium")).code == 0
    assert (await cli("users", "add", "anna", "--groups", "team")).code == 0, "what is not named stays"
    assert [one["plan"] for one in (await cli("users", "list", "--json")).json] == ["premium"]
    for plan in ((), ("--plan", "user")):
        assert (await cli("keys", "create", "backup", "--owner", "anna", *plan)).code == 0
    assert [one["plan"] for one in (await cli("keys", "list", "--json")).json] == [None, "user"]
    for command in (("users", "add", "otto"), ("keys", "create", "otto")):
        refused = await cli(*command, "--plan", "gold")
        assert (refused.code, "'gold' is no plan. Choose among" in refused.error) == (2, True)
    assert "otto" not in (await cli("users", "list")).out


async def test_jobs_and_files_are_adopted(cli: Cli, services: Services, catalogue: Catalogue) -> None:
    job, file_id = await create(services, 10_000), await catalogue.add(b"data")
    await cli("users", "add", "anna")
    done = await cli("users", "adopt", "anonymous", "anna")
    entries = [one.action for one in await list_entries(services.database, "terminal", None, 10)]
    assert [(one.action, one.subject) for one in entries] == [("adopt", "anonymous → anna"), ("saveUser", "anna")]
    assert done.out == "1 jobs and 1 files of anonymous now belong to anna.\n"
    assert (await read(services, job.id)).owner == "anna"
    assert (await catalogue.said(file_id)).owner == "anna"


async def test_a_purged_user_leaves_no_running_job_and_no_key(
    cli: Cli, services: Services, catalogue: Catalogue
) -> None:
    await cli("keys", "create", "otto")
    job = await create(services, 10_000, owner="otto")
    file_id = await catalogue.add(b"data", owner="otto")
    assert (await cli("users", "purge", "otto")).code == 0
    ended = await read(services, job.id)
    assert (ended.status, ended.owner) == (Status.CANCELLED, "purged")
    assert (await catalogue.said(file_id)).visibility == "private"


async def test_an_owner_without_a_row_is_purged_and_its_tokens_revoked(cli: Cli, services: Services) -> None:
    job = await create(services, 10_000, owner="portal|user-7")
    assert (await cli("users", "purge", "portal|user-7")).code == 0
    ended = await read(services, job.id)
    assert (ended.status, ended.owner) == (Status.CANCELLED, "purged")
    unknown = await cli("users", "purge", "portal|user-8")
    assert (unknown.code, "nothing belongs to it" in unknown.error) == (4, True)
    found = {one.revoked for one in await read_revocations(services.database, None)}
    assert {"user:portal|user-7", "user:portal|user-8"} <= found


@pytest.mark.parametrize("name", ["anonymous", "purged"])
async def test_what_is_no_user_is_not_purged(cli: Cli, services: Services, name: str) -> None:
    job = await create(services, 10_000, owner=name)
    assert (await cli("users", "purge", name)).code != 0
    assert (await read(services, job.id)).status == Status.QUEUED


async def test_added_files_have_the_visibility_that_is_named(cli: Cli, catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    [added] = (await cli("files", "add", "a.txt", "--groups", "team,lab", "--owner", "anna", "--json")).json
    file = await catalogue.said(added["id"])
    assert (file.owner, file.visibility, file.groups) == ("anna", "shared", ("lab", "team"))


def test_names_and_scopes_and_groups_are_checked_before_anything_else() -> None:
    for wrong in (
        lambda: create_key("x", "x", "everything", 1, None, None, as_json=False),
        lambda: create_key("x", "purged", "jobs", 1, None, None, as_json=False),
        lambda: add_user("anonymous", None, None, None, None),
        lambda: add_user("id.example|7", None, None, None, None),
        lambda: add_user(" ", None, None, None, None),
        lambda: FileRights.of(Visibility.SHARED, None, None),
        lambda: FileRights.of(Visibility.PRIVATE, "x", None),
    ):
        with pytest.raises(InvalidRequest):
            wrong()


def test_a_stack_that_others_reach_needs_a_word() -> None:
    assert Openness.of([], public=False, insecure_open=False).hosts == ("127.0.0.1",)
    assert Openness.of(["::1"], public=False, insecure_open=False).hosts == ("::1", "127.0.0.1")
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(InvalidRequest, match="--public"):
            Openness.of([host], public=False, insecure_open=False)
    public = Openness.of(["192.0.2.1"], public=True, insecure_open=False)
    assert public.hosts == ("192.0.2.1", "127.0.0.1")
    assert public.environment["AUTH_MODE"] == "required"
    assert Openness.of(["192.0.2.1"], public=False, insecure_open=True).environment == {"AUTH_MODE": "open"}
    with pytest.raises(InvalidRequest, match="either"):
        Openness.of([], public=True, insecure_open=True)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"host": "127.0.0.1,::1"}, []),
        ({"host": "::", "auth_mode": "open"}, ["HOST"]),
        ({"auth_mode": "open", "public_url": "https://site.example"}, ["PUBLIC_URL", "S3_PUBLIC_ENDPOINT"]),
        ({"auth_mode": "open", "public_url": "http://127.0.0.1:8080"}, []),
        ({"host": "::", "auth_mode": "required"}, ["PUBLIC_URL"]),
        (
            {
                "host": "::",
                "auth_mode": "required",
                "public_url": "https://site.example",
                "s3_public_endpoint": "https://files.example",
            },
            [],
        ),
        ({"auth_mode": "open", "allowed_hosts": "*", "cors_origins": "*"}, ["ALLOWED_HOSTS", "CORS_ORIGINS"]),
        ({"trusted_proxies": "*"}, ["TRUSTED_PROXIES"]),
        (
            {"auth_mode": "required", "public_url": "https://a.example", "s3_public_endpoint": "http://b.example"},
            ["S3_PUBLIC_ENDPOINT"],
        ),
        ({"auth_mode": "open", "intake_url": "http://files.example"}, ["INTAKE_URL"]),
        (
            {
                "auth_mode": "required",
                "public_url": "https://a.example",
                "s3_public_endpoint": "https://b.example",
                "intake_url": "http://c.example",
            },
            ["INTAKE_URL"],
        ),
        ({"jwt_secret": "ab" * 16, "jwt_secret_issuer": "a"}, ["JWT_SECRET"]),
        ({"jwt_secret": "0123456789abcdef" * 2, "jwt_secret_issuer": "a"}, []),
        (
            {"auth_proxy_user": "Remote-User", "auth_proxy_secret": "password" * 4, "trusted_proxies": "10.0.0.5"},
            ["AUTH_PROXY_SECRET"],
        ),
    ],
)
def test_what_is_open_is_named(changes: dict[str, Any], named: list[str]) -> None:
    values: dict[str, Any] = {
        "database_url": "postgresql://a:b@127.0.0.1/a",
        "redis_url": "redis://127.0.0.1/0",
        "s3_endpoint": "http://127.0.0.1:1",
        "s3_access_key_id": "a",
        "s3_secret_access_key": "b",
    }
    assert [finding.split()[0] for finding in find_open(Settings(**values | changes))] == named


async def test_check_names_what_is_open(tmp_path: Path, services: Services) -> None:
    settings = with_changes(services.settings, auth_mode="open", allowed_hosts=("*",))
    done = await Cli(tmp_path, variables(settings) | {"ALLOWED_HOSTS": "*", "AUTH_MODE": "open"})("check")
    assert "open: ALLOWED_HOSTS is *" in done.error


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "jobs_per_hour": 1}])
async def test_a_download_beyond_the_limit_of_the_hour_says_so_at_once(
    settings: Settings, services: Services, gateway: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    key = (await key_of(services, "anna"))["Authorization"].removeprefix("Bearer ")
    file_id = await catalogue.add(b"data")
    job = await services.downloads.create(
        NewDownload(
            files=[FileRequest(file_id=file_id)],
            owner="anna",
            admission=Admission(JobLimits(plan="user", per_hour=1, running=0)),
        )
    )
    with_key = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": gateway, "HAULAGE_TOKEN": key})
    done = await with_key("download", str(file_id))
    assert done.code == ExitCode.UNAVAILABLE
    assert "as many as the plan 'user' allows. Nothing was started. Try again in 3" in done.error
    assert [one.id for one in await services.downloads.page("anna", (), None, 10)] == [job.id]
