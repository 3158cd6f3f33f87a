"""The API as it describes itself: complete, true, and readable without the network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from app.endpoints.streams import MEDIA_TYPE
from app.gateway import Gateway
from jobs.engine.sql.workers import record_heartbeat
from jobs.kinds import Kind
from tests.app.page_addresses import PAGE_ADDRESSES
from tests.app.shared import Shared, link
from tests.helpers import uploads
from tests.helpers.jobs import create

pytestmark = pytest.mark.asyncio(loop_scope="module")

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}
FORMATS: dict[str, Any] = {"uuid": UUID, "date-time": datetime.fromisoformat}
KNOWN = {"$ref", "anyOf", "type", "enum", "const", "format", "pattern"}
KNOWN |= {"properties", "required", "additionalProperties", "items"}
KNOWN |= {"title", "description", "default", "examples"}


def faults(value: Any, schema: Any, document: Any, at: str = "answer") -> list[str]:
    """Where the value breaks the schema: as much of JSON Schema as our models use, and no unknown word is skipped."""
    assert schema.keys() <= KNOWN
    if "$ref" in schema:
        return faults(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, at)
    if "anyOf" in schema:
        tried = [faults(value, each, document, at) for each in schema["anyOf"]]
        return [] if [] in tried else [f"{at}: none of {tried}"]
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return [f"{at}: {value!r} is no {schema['type']}"]
    if isinstance(value, dict | list):
        return list(faults_within(value, schema, document, at))
    allowed = schema.get("enum", [schema.get("const", value)])
    if value not in allowed or (isinstance(value, bool) and schema["type"] != "boolean"):
        return [f"{at}: {value!r} is not one of {allowed}"]
    FORMATS.get(schema.get("format"), str)(value)
    return [] if re.search(schema.get("pattern", ""), str(value)) else [f"{at}: {value!r} is not {schema['pattern']}"]


def faults_within(value: dict[str, Any] | list[Any], schema: Any, document: Any, at: str) -> Iterator[str]:
    described, other = schema.get("properties", {}), schema.get("additionalProperties", schema.get("items"))
    yield from (f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value)
    for name, item in value.items() if isinstance(value, dict) else enumerate(value):
        rule = described.get(name, other)
        if rule is None:
            yield f"{at}: {name} is not described"
        else:
            yield from faults(item, rule, document, f"{at}.{name}")


def checked(answer: httpx.Response, operation: dict[str, Any], document: dict[str, Any]) -> int:
    """The status of an answer that is as it was described."""
    described = operation["responses"].get(str(answer.status_code), operation["responses"]["default"])
    required = [name for name, header in described.get("headers", {}).items() if header["required"]]
    assert [name for name in required if name not in answer.headers] == []
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    if "content" not in described:
        assert answer.content == b""
        return answer.status_code
    schema = described["content"][media_type]["schema"]
    bodies = [answer.json()] if media_type != MEDIA_TYPE else []
    if media_type == MEDIA_TYPE:
        schema = schema["properties"]["data"]["contentSchema"]
        bodies = [json.loads(data) for data in re.findall("^data: (.*)$", answer.text, re.MULTILINE)]
    for body in bodies:
        assert faults(body, schema, document) == [], answer.text
    return answer.status_code


async def test_every_response_matches_its_schema(shared: Shared) -> None:
    api, catalogue = shared.api, shared.catalogue
    document = (await api.get("/openapi.json")).json()
    file_id = await catalogue.add(b"x", "a.txt")
    wrong = await catalogue.add(b"x", size=2)
    job, done, unknown = await create(shared.services, file_id), await shared.completed(), f"/{uuid4()}"
    dead = await shared.dead()
    notice = (await api.get("/v1/notices")).json()["notices"][0]["id"]
    v1, one = "/v1/download", f"/v1/download/job/{job.id}"
    etag = (await api.get(link(done))).headers["etag"]
    v1_up, up = "/v1/upload", "/v1/upload/{jobId}"
    upload, part = (await uploads.created(shared.services, b"x")).id, {"sign": [{"number": 1, "crc32": "0" * 8}]}
    hooks, url = "/v1/webhooks", {"url": "https://8.8.8.8/"}  # to which nothing is sent: no worker runs
    hook = (await api.post(hooks, json=url)).json()["id"]
    month = {"json": {"since": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}}
    ops, action = "/v1/operator", {"action": "cancel", "filter": {"status": ["queued"]}}
    now = await shared.services.database.now()
    await record_heartbeat(shared.services.database, "known", {Kind.DOWNLOAD: 1}, now)
    exchanges: list[tuple[str, str, str, dict[str, Any], int]] = [
        ("post", hooks, hooks, {"json": url}, 201),
        ("post", hooks, hooks, {"json": {"url": "https://127.0.0.1/"}}, 422),
        ("post", hooks, hooks, {"json": {"url": 1}}, 400),
        ("get", hooks, hooks, {}, 200),
        ("get", f"{hooks}/{{id}}", f"{hooks}/{hook}", {}, 200),
        ("get", f"{hooks}/{{id}}", f"{hooks}/x", {}, 404),
        ("post", f"{hooks}/{{id}}/test", f"{hooks}/{hook}/test", {}, 204),
        ("post", f"{hooks}/{{id}}/rotate", f"{hooks}/{hook}/rotate", {}, 200),
        ("post", f"{hooks}/{{id}}/enable", f"{hooks}/{hook}/enable", {}, 200),
        ("get", f"{hooks}/{{id}}/deliveries", f"{hooks}/{hook}/deliveries", {}, 200),
        ("get", f"{hooks}/{{id}}/deliveries", f"{hooks}/{hook}/deliveries?limit=0", {}, 400),
        ("post", f"{hooks}/{{id}}/replay", f"{hooks}/{hook}/replay", month, 200),
        ("post", f"{hooks}/{{id}}/replay", f"{hooks}/{hook}/replay", {"json": {}}, 400),
        ("delete", f"{hooks}/{{id}}", f"{hooks}/{hook}", {}, 204),
        ("delete", f"{hooks}/{{id}}", f"{hooks}/{hook}", {}, 404),
        ("post", f"{v1}/initiate", f"{v1}/initiate", {"json": {"file_ids": [file_id]}}, 202),
        ("post", f"{v1}/initiate", f"{v1}/initiate", {"json": {"file_ids": [1], "x": 1}}, 400),
        ("post", f"{v1}/initiate", f"{v1}/initiate", {"content": b"x"}, 415),
        ("post", f"{v1}/check", f"{v1}/check", {"json": {"file_id": file_id}}, 200),
        ("post", f"{v1}/check", f"{v1}/check", {"json": {"file_id": 77_777}}, 200),
        ("post", f"{v1}/check", f"{v1}/check", {"json": {"file_ids": [file_id, 77_777]}}, 200),
        ("post", f"{v1}/check", f"{v1}/check", {"json": {"file_id": wrong}}, 502),
        ("post", f"{v1}/start", f"{v1}/start", {"json": {"file_id": 77_777}}, 200),
        ("get", f"{v1}/job/{{jobId}}", f"{one}?since=0", {}, 200),
        ("get", f"{v1}/job/{{jobId}}", link(done), {}, 200),
        ("get", f"{v1}/job/{{jobId}}", link(done), {"headers": {"If-None-Match": etag}}, 304),
        ("get", f"{v1}/job/{{jobId}}", f"{v1}/job{unknown}", {}, 404),
        ("get", f"{v1}/stream/{{jobId}}", f"{v1}/stream/{done.id}", {}, 200),
        ("get", f"{v1}/stream/{{jobId}}", f"{v1}/stream/{done.id}?since={done.seq}", {}, 204),
        ("get", f"{v1}/stream/{{jobId}}", f"{v1}/stream{unknown}", {}, 404),
        ("get", f"{v1}/stream", f"{v1}/stream?jobs={done.id}:0", {}, 200),
        ("get", f"{v1}/stream", f"{v1}/stream?jobs=1:0", {}, 400),
        ("get", f"{v1}/job/{{jobId}}/download-url", link(done, "/download-url"), {}, 200),
        ("get", f"{v1}/job/{{jobId}}/download-url", f"{one}/download-url", {}, 409),
        ("get", f"{v1}/job/{{jobId}}/file", link(done, "/file"), {}, 303),
        ("post", f"{v1}/job/{{jobId}}/shares", link(done, "/shares"), {"json": {"maxUses": 1}}, 201),
        ("post", f"{v1}/job/{{jobId}}/shares", link(done, "/shares"), {"json": {"maxUses": 0}}, 400),
        ("post", f"{v1}/job/{{jobId}}/shares", f"{v1}/job{unknown}/shares", {"json": {}}, 404),
        ("get", f"{v1}/job/{{jobId}}/shares", link(done, "/shares"), {}, 200),
        ("delete", f"{v1}/job/{{jobId}}/shares/{{id}}", link(done, "/shares/x"), {}, 404),
        ("delete", f"{v1}/job/{{jobId}}/bundle", link(done, "/bundle"), {}, 204),
        ("get", f"{v1}/job/{{jobId}}/download-url", link(done, "/download-url"), {}, 410),
        ("delete", f"{v1}/job/{{jobId}}", one, {}, 200),
        ("post", f"{v1}/job/{{jobId}}/retry", f"{one}/retry", {}, 202),
        ("post", f"{v1}/job/{{jobId}}/retry", f"{one}/retry", {}, 409),
        ("get", f"{v1}/job/{{jobId}}/history", f"{one}/history?limit=2", {}, 200),
        ("get", f"{v1}/job/{{jobId}}/history", f"{v1}/job{unknown}/history", {}, 404),
        ("get", f"{v1}/jobs", f"{v1}/jobs", {}, 200),
        ("get", f"{v1}/dead", f"{v1}/dead", {}, 200),
        ("delete", f"{v1}/dead/{{jobId}}", f"{v1}/dead/{job.id}", {}, 409),
        ("delete", f"{v1}/dead/{{jobId}}", f"{v1}/dead/{dead.id}", {}, 204),
        ("delete", f"{v1}/dead/{{jobId}}", f"{v1}/dead/{dead.id}", {}, 404),
        ("get", f"{v1}/files", f"{v1}/files", {}, 200),
        ("get", "/v1/files", "/v1/files?role=any", {}, 200),
        ("get", "/v1/files", "/v1/files?role=tiny", {}, 400),
        ("get", "/v1/files/{id}", f"/v1/files/{file_id}", {}, 200),
        ("get", "/v1/files/{id}", "/v1/files/x", {}, 400),
        ("get", "/v1/files/{id}", "/v1/files/77777", {}, 404),
        ("get", "/v1/files/{id}/content", f"/v1/files/{file_id}/content", {}, 302),
        ("get", "/v1/files/{id}/content", "/v1/files/77777/content", {}, 404),
        ("post", "/v1/files/reprocess", "/v1/files/reprocess", {"json": {"types": ["image/*"]}}, 200),
        ("post", "/v1/files/reprocess", "/v1/files/reprocess", {"json": {"types": ["*"]}}, 400),
        ("delete", "/v1/files/{id}", f"/v1/files/{file_id}", {}, 204),
        ("delete", "/v1/files/{id}", f"/v1/files/{file_id}", {}, 410),
        ("post", "/v1/upload", "/v1/upload", {"json": {"files": [{"name": "a", "size": 1}]}}, 202),
        ("post", "/v1/upload", "/v1/upload", {"json": {"files": []}}, 400),
        ("post", "/v1/upload", "/v1/upload", {"json": {"files": [{"name": "a", "size": 2**60}]}}, 413),
        ("post", "/v1/upload/form", "/v1/upload/form", {"files": {"file": b"x"}}, 501),
        ("post", "/upload", "/upload", {"files": {"file": b"x"}}, 501),
        ("get", "/v1/upload/jobs", "/v1/upload/jobs", {}, 200),
        ("get", "/v1/upload/jobs", "/v1/upload/jobs?status=x", {}, 400),
        ("post", f"{up}/parts", f"{v1_up}/{upload}/parts", {"json": part}, 200),
        ("post", f"{up}/parts", f"{v1_up}/{upload}/parts", {"json": {"sent": [2]}}, 400),
        ("get", f"{up}/parts", f"{v1_up}/{upload}/parts", {}, 200),
        ("get", f"{up}/parts", f"{v1_up}{unknown}/parts", {}, 404),
        ("post", f"{up}/complete", f"{v1_up}/{upload}/complete", {}, 409),
        ("post", f"{up}/parts", f"{v1_up}/{upload}/parts", {"json": {"sent": [1]}}, 200),
        ("post", f"{up}/complete", f"{v1_up}/{upload}/complete", {}, 202),
        ("get", "/v1/upload/job/{jobId}", f"{v1_up}/job/{upload}", {}, 200),
        ("get", "/v1/upload/status/{jobId}", f"{v1_up}/status/{upload}", {}, 200),
        ("get", "/v1/access/session", "/v1/access/session", {}, 200),
        ("post", "/v1/access/session", "/v1/access/session", {"json": {"link": "x"}}, 403),
        ("delete", "/v1/access/session", "/v1/access/session", {}, 204),
        ("get", "/v1/access/sessions", "/v1/access/sessions", {}, 403),  # open: nobody manages access
        ("delete", "/v1/access/sessions/{id}", "/v1/access/sessions/x", {}, 403),
        ("get", "/v1/access/keys", "/v1/access/keys", {}, 403),
        ("post", "/v1/access/keys", "/v1/access/keys", {"json": {"name": "x"}}, 403),
        ("delete", "/v1/access/keys/{id}", "/v1/access/keys/x", {}, 403),
        ("post", "/v1/access/tickets", "/v1/access/tickets", {}, 403),
        ("get", "/v1/access/audit", "/v1/access/audit", {}, 403),
        ("get", "/v1/operator/overview", "/v1/operator/overview", {}, 200),
        ("get", "/v1/operator/workers", "/v1/operator/workers", {}, 200),
        ("get", "/v1/operator/jobs", "/v1/operator/jobs?dead=true", {}, 200),
        ("get", "/v1/operator/jobs", "/v1/operator/jobs?dead=1", {}, 400),
        ("get", "/v1/operator/jobs/count", "/v1/operator/jobs/count?q=a", {}, 200),
        ("get", "/v1/operator/jobs/count", "/v1/operator/jobs/count?since=1", {}, 400),
        ("get", "/v1/operator/jobs/{jobId}", f"/v1/operator/jobs/{job.id}", {}, 200),
        ("get", "/v1/operator/jobs/{jobId}", "/v1/operator/jobs/x", {}, 400),
        ("get", "/v1/operator/stream", "/v1/operator/stream", {"headers": {"Host": "evil.example"}}, 400),
        ("post", f"{ops}/actions", f"{ops}/actions", {"json": {**action, "expected": 0}}, 409),
        ("post", f"{ops}/actions", f"{ops}/actions", {"json": {**action, "expected": 9}}, 202),
        ("post", f"{ops}/actions", f"{ops}/actions", {"json": action}, 400),
        ("get", f"{ops}/actions", f"{ops}/actions", {}, 200),
        ("get", f"{ops}/actions/{{id}}", f"{ops}/actions/{{last}}", {}, 200),
        ("get", f"{ops}/actions/{{id}}", f"{ops}/actions/4711", {}, 404),
        ("delete", f"{ops}/actions/{{id}}", f"{ops}/actions/{{last}}", {}, 200),
        ("delete", f"{ops}/actions/{{id}}", f"{ops}/actions/4711", {}, 404),
        ("get", f"{ops}/queues", f"{ops}/queues", {}, 200),
        ("post", f"{ops}/queues/{{kind}}/pause", f"{ops}/queues/image/pause", {"json": {"reason": "a"}}, 200),
        ("post", f"{ops}/queues/{{kind}}/pause", f"{ops}/queues/mail/pause", {}, 400),
        ("post", f"{ops}/queues/{{kind}}/resume", f"{ops}/queues/image/resume", {}, 200),
        ("post", f"{ops}/workers/{{name}}/drain", f"{ops}/workers/gone/drain", {}, 404),
        ("post", f"{ops}/workers/{{name}}/drain", f"{ops}/workers/known/drain", {}, 200),
        ("post", f"{ops}/workers/{{name}}/resume", f"{ops}/workers/known/resume", {}, 200),
        ("get", "/v1/notices", "/v1/notices?state=all", {}, 200),
        ("get", "/v1/notices", "/v1/notices?state=x", {}, 400),
        ("post", "/v1/notices/{id}/acknowledge", f"/v1/notices/{notice}/acknowledge", {}, 200),
        ("post", "/v1/notices/{id}/acknowledge", "/v1/notices/4711/acknowledge", {}, 404),
        ("get", "/v1/diagnose/request", "/v1/diagnose/request?wait=0.1", {}, 200),
        ("get", "/v1/diagnose/request", "/v1/diagnose/request?wait=999", {}, 400),
        ("post", "/v1/diagnose/request", "/v1/diagnose/request", {"content": b"any"}, 200),
        ("get", "/v1/diagnose/stream", "/v1/diagnose/stream", {}, 200),
        ("get", "/health", "/health", {}, 200),
        ("get", "/health/live", "/health/live", {}, 200),
        ("get", "/health/ready", "/health/ready", {}, 200),
        ("get", "/", "/", {}, 200),
        ("get", "/", "/", {"headers": {"Host": "evil.example"}}, 400),
    ]
    seen, last = set(), ""
    for method, path, address, options, status in exchanges:
        answer = await api.request(method, address.replace("{last}", last), **options)
        if path == f"{ops}/actions" and status == 202:
            last = str(answer.json()["actionId"])
        assert checked(answer, document["paths"][path][method], document) == status, (method, address, answer.text)
        seen.add((method, path))
    assert seen == {(method, path) for path, methods in document["paths"].items() for method in methods}


async def test_the_openapi_document_is_consistent(shared: Shared) -> None:
    answer = await shared.api.get("/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["title"]
    assert document["info"]["version"]
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    for path, methods in document["paths"].items():
        for operation in methods.values():
            parameters = operation.get("parameters", [])
            in_path = {one["name"] for one in parameters if one["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert all(one["required"] for one in parameters if one["in"] == "path")
            assert all(response["description"] for response in operation["responses"].values())
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text))
    assert references == set(document["components"]["schemas"])


async def test_the_openapi_document_lists_exactly_the_routes(shared: Shared) -> None:
    document = (await shared.api.get("/openapi.json")).json()
    application: Any = Gateway(shared.settings)
    while not isinstance(application, Starlette):
        application = application._app  # noqa: SLF001 - what the middleware wraps
    routes = {
        (route.path, method.lower())
        for route in application.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
        if route.path not in PAGE_ADDRESSES
    }
    assert routes == {(path, method) for path, methods in document["paths"].items() for method in methods}


@pytest.mark.parametrize("page", ["/", "/docs"])
async def test_pages_need_nothing_from_elsewhere(shared: Shared, page: str) -> None:
    answer = await shared.api.get(page, headers={"Accept": "text/html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "{{" not in answer.text
    own = str(shared.api.base_url)[:-1]  # in its examples
    assert [found for found in re.findall(r"(?:https?:)?//[^\s\"'<]+", answer.text) if not found.startswith(own)] == []
    assets = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    for asset in [asset for asset in assets if asset.startswith(("/static/", "/assets/"))]:
        found = await shared.api.get(asset)
        assert found.status_code == 200, asset
        assert found.headers["content-type"].partition(";")[0] in {"text/css", "text/javascript", "image/svg+xml"}
        if asset.startswith("/static/"):
            text = found.text.replace("http://www.w3.org/", "")  # the names of XML, which nobody fetches
            assert re.findall(r"https?://", text) == []
    assert "'unsafe-eval'" not in answer.headers["content-security-policy"]


async def test_the_front_door_has_a_page_for_browsers_and_facts_for_the_rest(shared: Shared) -> None:
    facts = await shared.api.get("/")
    assert facts.headers["vary"] == "Accept"
    assert facts.json()["name"] == "haulage"
    for address in facts.json()["links"].values():
        assert (await shared.api.get(address)).status_code in {200, 405}
    page = await shared.api.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert page.headers["vary"] == "Accept"
    assert page.text.startswith("<!doctype html>")
