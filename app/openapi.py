"""OpenAPI 3.1, built from the operations and from the models that requests and responses are made of."""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from app.access.credentials import COOKIE
from app.access.rules import Cost
from app.endpoints.streams import MEDIA_TYPE as EVENT_STREAM
from app.operations import OPERATIONS, Operation
from app.problems import MEDIA_TYPE
from app.schemas import ProblemBody
from jobs.kinds import Kind

_REFS = "#/components/schemas/{model}"
_SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, which `haulage keys create` prints, a JWT of `JWT_ISSUERS`, or a grant. A key with the "
        "scope `act_as` acts for the user that the header `Haulage-On-Behalf-Of` names.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The session of the web page."},
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_KIND = {"name": "kind", "in": "path", "required": True, "schema": {"type": "string", "enum": list(Kind)}}
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_JOB_ID = {"name": "jobId", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def openapi(version: str, server: str = "/", *, is_open: bool = True) -> dict[str, Any]:
    """The OpenAPI document; `server` is the URL of the gateway, or its path on the host of the document.

    `is_open`: whether the gateway may serve everybody, without any proof of who they are.
    """
    names, definitions = models_json_schema(_models(), ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, names, is_open=is_open)
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Haulage",
            "version": version,
            "summary": "Gather many files in the background, follow every step, fetch one link.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


_HEADERS = {
    "ETag": "Version of the status, for `If-None-Match`.",
    "Link": "The next page, unless this is the last one (RFC 8288).",
    "Location": "Where to go on: the status of the job, the presigned URL, or the intake.",
    "RateLimit": "What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more"
    " (draft-ietf-httpapi-ratelimit-headers-10).",
    "RateLimit-Policy": "The caller's limits: `q` requests or jobs in `w` seconds.",
    "Retry-After": "Seconds after which to ask again.",
    "WWW-Authenticate": "What proves who the request comes from (RFC 9110, section 11.6.1).",
    "X-Request-ID": "Id of the request, its own or a new one. The log has it, too.",
}
"""What response headers mean."""
_OPTIONAL_HEADERS = {"Link", "Location", "RateLimit", "RateLimit-Policy"}
"""Those that a response may lack: on the last page, about several jobs, or where the caller has no limits."""

Names = dict[Any, dict[str, Any]]


def _models() -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    bodies = {model for operation in OPERATIONS for model in operation.bodies}
    bodies |= {operation.form for operation in OPERATIONS if operation.form is not None}
    answers = {model for operation in OPERATIONS for models in operation.answers.values() for model in models}
    listed: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in bodies]
    listed += [(model, "serialization") for model in answers | {ProblemBody}]
    return sorted(listed, key=lambda item: (item[0].__name__, item[1]))


def _described(operation: Operation, names: Names, *, is_open: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, names),
    }
    parameters = [one for one in (_JOB_ID, _ID, _KIND, _NAME) if f"{{{one['name']}}}" in operation.path]
    parameters += [
        {"name": p.name, "in": p.place, "description": p.description, "schema": p.schema}
        | ({"required": True} if p.required else {})
        for p in operation.parameters
    ]
    if operation.rule.scope is not None:
        others: list[dict[str, Any]] = [{}] if is_open or operation.rule.share or operation.rule.ticket else []
        described["security"] = [{"key": []}, {"session": []}, *others]
    if parameters:
        described["parameters"] = parameters
    if operation.bodies:
        content = _content("application/json", [names[model, "validation"] for model in operation.bodies])
        described["requestBody"] = {"required": operation.needs_body, "content": content}
    if operation.form is not None:
        content = _content("multipart/form-data", [names[operation.form, "validation"]])
        described["requestBody"] = {"required": True, "content": content}
    return described


def _responses(operation: Operation, names: Names) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, models in operation.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "headers": _headers(operation, status)}
        if models:
            schemas = [names[model, "serialization"] for model in models]
            responses[str(status)]["content"] = _content(operation.media_type, schemas)
    content = _content(MEDIA_TYPE, [names[ProblemBody, "serialization"]])
    refusals = () if operation.rule.scope is None else (400, 401, 403, 429)
    for status in sorted({*operation.problems, *refusals}):
        headers = _headers(operation, status)
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "headers": headers, "content": content}
    responses["default"] = {"description": "Any other error", "content": content}
    return responses


def _headers(operation: Operation, status: int) -> dict[str, Any]:
    """The headers of a response that clients act on. All but `_OPTIONAL_HEADERS` are always there."""
    is_answer, names = status in operation.answers, ["X-Request-ID"]
    parameters = {parameter.name for parameter in operation.parameters}
    if is_answer and "If-None-Match" in parameters:
        names.append("ETag")
    if is_answer and "cursor" in parameters:
        names.append("Link")
    if status in {HTTPStatus.ACCEPTED, HTTPStatus.SEE_OTHER, HTTPStatus.TEMPORARY_REDIRECT}:
        names.append("Location")
    comes_later = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE} - operation.answers.keys()
    if status in {HTTPStatus.ACCEPTED, *comes_later}:
        names.append("Retry-After")
    counted = (Cost.COSTLY,) if is_answer else (Cost.COSTLY, Cost.LIGHT)
    if operation.rule.cost in counted and (is_answer or status == HTTPStatus.TOO_MANY_REQUESTS):
        names += ["RateLimit", "RateLimit-Policy"]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    return {
        name: {"description": _HEADERS[name], "schema": {"type": "string"}, "required": name not in _OPTIONAL_HEADERS}
        for name in names
    }


def _content(media_type: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of a request or response. That of an event stream is described event by event, as OpenAPI 3.1 does."""
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    if media_type == EVENT_STREAM:
        data = {"type": "string", "contentMediaType": "application/json", "contentSchema": schema}
        properties = {"event": {"type": "string"}, "id": {"type": "string"}, "data": data}
        schema = {"type": "object", "properties": properties, "required": ["data"]}
    return {media_type: {"schema": schema}}


if __name__ == "__main__":  # `make types` generates the types of the page from it
    json.dump(openapi(""), sys.stdout)
