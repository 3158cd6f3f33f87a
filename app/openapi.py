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
from app.operations import OPERATIONS, Operation
from app.problems import MEDIA_TYPE
from app.schemas import ProblemBody

_REFS = "#/components/schemas/{model}"
_SECURITY_SCHEMES = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, which `haulage keys create` prints, a JWT of `JWT_ISSUERS`, or a grant.",
    },
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The session of the web page."},
}
_RETRY_AFTER = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
_RATE_LIMIT = {name: {"$ref": f"#/components/headers/{name}"} for name in ("RateLimit", "RateLimit-Policy")}
_HEADERS = {
    "RateLimit": "What is left of the caller's limits: `r` requests or jobs, and the seconds `t` until there are more"
    " (draft-ietf-httpapi-ratelimit-headers-10).",
    "RateLimit-Policy": "The caller's limits: `q` requests or jobs in `w` seconds.",
    "Retry-After": "Seconds after which to try again.",
}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_JOB_ID = {"name": "jobId", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def openapi(version: str, server: str = "/") -> dict[str, Any]:
    """The OpenAPI document; `server` is the URL of the gateway, or its path on the host of the document."""
    names, definitions = models_json_schema(_models(), ref_template=_REFS)
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, names)
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
            "headers": {
                name: {"description": text, "schema": {"type": "integer" if name == "Retry-After" else "string"}}
                for name, text in _HEADERS.items()
            },
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


Names = dict[Any, dict[str, Any]]


def _models() -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    bodies = {model for operation in OPERATIONS for model in operation.bodies}
    answers = {model for operation in OPERATIONS for models in operation.answers.values() for model in models}
    listed: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in bodies]
    listed += [(model, "serialization") for model in answers | {ProblemBody}]
    return sorted(listed, key=lambda item: (item[0].__name__, item[1]))


def _described(operation: Operation, names: Names) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation, names),
    }
    parameters = [one for one in (_JOB_ID, _ID) if f"{{{one['name']}}}" in operation.path]
    parameters += [
        {"name": p.name, "in": p.place, "description": p.description, "schema": p.schema} for p in operation.parameters
    ]
    if operation.rule.scope is not None:  # none where `AUTH_MODE` is open
        described["security"] = [{"key": []}, {"session": []}, {}]
    if parameters:
        described["parameters"] = parameters
    if operation.bodies:
        content = _content("application/json", [names[model, "validation"] for model in operation.bodies])
        described["requestBody"] = {"required": True, "content": content}
    return described


def _responses(operation: Operation, names: Names) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    limits = _RATE_LIMIT if operation.rule.cost is Cost.COSTLY else {}
    for status, models in operation.answers.items():
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if models:
            schemas = [names[model, "serialization"] for model in models]
            responses[str(status)]["content"] = _content(operation.media_type, schemas)
        if limits:
            responses[str(status)]["headers"] = limits
    content = _content(MEDIA_TYPE, [names[ProblemBody, "serialization"]])
    refusals = () if operation.rule.scope is None else (401, 403, 429)
    for status in sorted({*operation.problems, *refusals}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    if "429" in responses:
        counted = {} if operation.rule.cost is Cost.FREE else _RATE_LIMIT
        responses["429"]["headers"] = {**_RETRY_AFTER, **counted}
    responses["default"] = {"description": "Any other error", "content": content}
    return responses


def _content(media_type: str, schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return {media_type: {"schema": schemas[0] if len(schemas) == 1 else {"anyOf": schemas}}}


if __name__ == "__main__":  # `make types` generates the types of the page from it
    json.dump(openapi(""), sys.stdout)
