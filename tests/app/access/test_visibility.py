"""Who may read which files: in lists, checks, new jobs, titles, and bundles that others have packed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from app.access.principals import Role, Scope
from jobs.files.catalogue import find_files, insert_file
from jobs.files.states import Role as FileRole
from jobs.files.texts import insert_text
from jobs.files.visibility import Visibility
from jobs.services import Services
from tests.app.shared import Shared
from tests.helpers.access import Headers, key_of
from tests.helpers.catalogue import next_id
from tests.helpers.jobs import ended
from tests.helpers.running import working

FILES = "/v1/download/files"


async def files_of(required: Shared) -> dict[str, int]:
    add = required.catalogue.add
    return {
        "public": await add(b"public", "public.txt", owner="olga"),
        "shared": await add(b"shared", "shared.txt", owner="olga", visibility=Visibility.SHARED, groups=("team", "x")),
        "private": await add(b"private", "private.txt", owner="olga", visibility=Visibility.PRIVATE),
    }


async def readers_of(required: Shared) -> dict[str, tuple[Headers, set[str]]]:
    """Users, and what each may read."""
    services = required.services
    everything = {"public", "shared", "private"}
    return {
        "owner": (await key_of(services, "olga"), everything),
        "same group": (await key_of(services, "gerd", groups=["team"]), {"public", "shared"}),
        "other": (await key_of(services, "otto", groups=["others"]), {"public"}),
        "support": (await key_of(services, "susi", Role.SUPPORT), {"public"}),
        "operator": (await key_of(services, "oskar", Role.OPERATOR), everything),
    }


async def test_lists_searches_and_checks_show_what_may_be_read(required: Shared) -> None:
    ids = await files_of(required)
    names = {file_id: name for name, file_id in ids.items()}
    for who, (headers, readable) in (await readers_of(required)).items():
        for query in ("", "?q=.txt", "?q=at", "?q=public"):
            listed = (await required.api.get(FILES + query, headers=headers)).json()["files"]
            found = {names[one["id"]] for one in listed}
            wanted = {name for name in readable if query.removeprefix("?q=") in f"{name}.txt"}
            assert found == wanted, (who, query)
        body = {"file_ids": list(ids.values())}
        checked = (await required.api.post("/v1/download/check", json=body, headers=headers)).json()
        assert {names[one["file_id"]] for one in checked["files"] if one["available"]} == readable, who
        hidden = [one for one in checked["files"] if not one["available"]]
        assert all(one["name"] == f"{one['file_id']}.zip" and one["reason"] == "no such file" for one in hidden)


async def test_a_search_in_texts_finds_what_may_be_read(required: Shared) -> None:
    ids = await files_of(required)
    names = {file_id: name for name, file_id in ids.items()}
    for name, file_id in ids.items():
        await with_text(required.services, file_id, f"the house of {name}".encode())
    for who, (headers, readable) in (await readers_of(required)).items():
        for query in ("text=house", "text=house&q=.txt", "text=house&role=any"):
            answer = await required.api.get(f"/v1/files?{query}", headers=headers)
            found = {names[one["id"]]: one["snippet"] for one in answer.json()["files"]}
            assert found == {name: f"house of {name}" for name in readable}, (who, query)
        for name, file_id in ids.items():
            detail = await required.api.get(f"/v1/files/{file_id}", headers=headers)
            assert detail.json().get("searchable") == ("whole" if name in readable else None)


async def test_a_search_in_texts_is_for_those_who_may_fetch_files(required: Shared) -> None:
    """It tells what is written in them."""
    ids = await files_of(required)
    await with_text(required.services, ids["public"], b"house")
    narrow = await key_of(required.services, "olga", scopes=frozenset({Scope.FILES_READ}))
    answer = await required.api.get("/v1/files?text=house", headers=narrow)
    assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
    assert "results:read" in answer.json()["detail"]
    assert (await required.api.get("/v1/files", headers=narrow)).status_code == 200


async def with_text(services: Services, parent_id: int, text: bytes) -> None:
    """Adds a text that was made of a file."""
    async with services.database.begin() as connection:
        parent = (await find_files(connection, [parent_id]))[parent_id]
        file = replace(parent, id=await next_id(connection), role=FileRole.TEXT, parent_id=parent_id, size=len(text))
        await insert_file(connection, file)
        await insert_text(connection, file, text)


async def test_a_job_reads_files_as_its_owner(required: Shared) -> None:
    ids = await files_of(required)
    async with working(required.settings):
        for who, (headers, readable) in (await readers_of(required)).items():
            for name, file_id in ids.items():
                body = {"file_ids": [file_id]}
                accepted = (await required.api.post("/v1/download/initiate", json=body, headers=headers)).json()
                required.api.headers = httpx.Headers(headers)
                status = await ended(required.api, accepted["links"]["self"])
                wanted = "completed" if name in readable else "failed"
                assert status["status"] == wanted, (who, name)
                shown = f"{name}.txt" if name in readable else f"{file_id}.zip"
                assert status["title"] == shown, "a title must not tell the name of a file"


@pytest.mark.parametrize(
    ("changes", "role", "found"),
    [
        ({"auth_mode": "required"}, Role.USER, False),
        ({"auth_mode": "required"}, Role.OPERATOR, True),
        ({"auth_mode": "required", "template_files": "users"}, Role.USER, True),
    ],
)
async def test_files_outside_the_catalogue_are_for_operators_unless_set_otherwise(
    required: Shared, role: Role, found: bool
) -> None:
    await required.services.storage.objects.put("77777.zip", b"data", "application/zip")
    key = await key_of(required.services, "olga", role)
    answer = await required.api.post("/v1/download/check", json={"file_id": 77_777}, headers=key)
    assert answer.json()["available"] is found


@pytest.mark.parametrize(("visibility", "reused"), [(Visibility.PUBLIC, 1), (Visibility.SHARED, 2)])
async def test_users_share_bundles_of_public_files_only(required: Shared, visibility: Visibility, reused: int) -> None:
    groups = ("team",) if visibility is Visibility.SHARED else ()
    file_id = await required.catalogue.add(b"data", "a.txt", owner="olga", visibility=visibility, groups=groups)
    keys = [await key_of(required.services, name, groups=["team"]) for name in ("olga", "gerd", "gerd")]
    made: list[dict[str, Any]] = []
    async with working(required.settings):
        for key in keys:
            required.api.headers = httpx.Headers(key)
            body = {"file_ids": [file_id], "archiveName": "all.zip"}
            accepted = (await required.api.post("/v1/download/initiate", json=body)).json()
            made.append(await ended(required.api, accepted["links"]["self"]))
    assert [one["status"] for one in made] == ["completed"] * 3
    bundles = {info.key async for info in required.services.storage.objects.list("bundles/")}
    assert len(bundles) == reused


async def test_a_retry_reads_files_with_the_rights_of_now(required: Shared) -> None:
    ids = await files_of(required)
    headers = await key_of(required.services, "gerd")
    required.api.headers = httpx.Headers(headers)
    async with working(required.settings):
        accepted = (await required.api.post("/v1/download/initiate", json={"file_ids": [ids["shared"]]})).json()
        path = accepted["links"]["self"]
        assert (await ended(required.api, path))["status"] == "failed"
        await key_of(required.services, "gerd", groups=["team"])
        required.api.headers = httpx.Headers(await key_of(required.services, "gerd", groups=["team"]))
        assert (await required.api.post(f"{path}/retry")).status_code == 202
        assert (await ended(required.api, path))["status"] == "completed"


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "anonymous": "read", "template_files": "users"}])
async def test_visitors_see_public_files_and_start_nothing(required: Shared) -> None:
    ids = await files_of(required)
    before = await required.catalogue.add(b"old", "old.txt", owner="anonymous", visibility=Visibility.PRIVATE)
    await required.services.storage.objects.put("99999.zip", b"template", "application/zip")
    assert [one["id"] for one in (await required.api.get(FILES)).json()["files"]] == [ids["public"]]
    body = {"file_ids": [*ids.values(), before, 99_999]}
    checked = (await required.api.post("/v1/download/check", json=body)).json()
    assert [one["file_id"] for one in checked["files"] if one["available"]] == [ids["public"]]
    for path, wishes in (("initiate", {"file_ids": [ids["public"]]}), ("start", {"file_id": ids["public"]})):
        assert (await required.api.post(f"/v1/download/{path}", json=wishes)).status_code == 401
    assert (await required.api.get("/v1/download/jobs")).status_code == 401
    revoked = {"Authorization": "Bearer haulage_" + "0" * 64}
    assert (await required.api.get(FILES, headers=revoked)).status_code == 401


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "anonymous": "read"}])
async def test_visitors_get_previews_of_public_files_and_no_other_content(required: Shared) -> None:
    """Whoever holds a credential needs the scope for results, also for previews."""
    narrow = await key_of(required.services, "olga", scopes=frozenset({Scope.FILES_READ}))
    whole = await key_of(required.services, "olga")
    revoked = {"Authorization": "Bearer haulage_" + "0" * 64}
    previews = {FileRole.THUMBNAIL, FileRole.WEB, FileRole.POSTER}
    for name, parent_id in (await files_of(required)).items():
        parent = await required.catalogue.said(parent_id)
        for role in FileRole:
            file_id = await required.catalogue.add(
                role.encode(),
                f"{name}-{role}.webp",
                content_type="image/webp",
                owner="olga",
                visibility=parent.visibility,
                groups=parent.groups,
                role=role,
                parent_id=None if role is FileRole.ORIGINAL else parent_id,
            )
            path = f"/v1/files/{file_id}/content"
            answer = await required.api.get(path)
            if name == "public" and role in previews:
                assert answer.status_code == 302, (name, role)
                async with httpx.AsyncClient() as browser:
                    assert (await browser.get(answer.headers["location"])).content == role.encode()
            else:
                assert answer.status_code == (401 if name == "public" else 404), (name, role)
            assert (await required.api.get(path, headers=narrow)).status_code == 403
            assert (await required.api.get(path, headers=whole)).status_code == 302
    thumbnail = await required.catalogue.add(b"x", role=FileRole.THUMBNAIL, content_type="image/webp")
    assert (await required.api.get(f"/v1/files/{thumbnail}/content", headers=revoked)).status_code == 401
    assert (await required.api.get("/v1/files?text=house")).status_code == 401


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "anonymous": "none"}])
async def test_without_visitors_nobody_gets_previews_without_a_credential(required: Shared) -> None:
    file_id = await required.catalogue.add(b"x", role=FileRole.THUMBNAIL, content_type="image/webp")
    assert (await required.api.get(f"/v1/files/{file_id}/content")).status_code == 401
