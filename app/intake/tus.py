"""tus 1.0.0 (https://tus.io/protocols/resumable-upload): resumable uploads for clients that speak it.

Extensions: creation, creation-with-upload, creation-defer-length, expiration, termination, checksum. An upload is a job
like any other. It is completed when its last byte has arrived, and its id is the last segment of its URL.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from typing import Protocol
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.access.guard import principal_of
from app.access.rules import EVERYBODY, SEE_PARTS, SEND_PARTS, UPLOAD_FILES, Rule
from app.intake.context import IntakeContext, intake_context
from app.operations import UPLOAD, Handler, Operation
from app.problems import UnsupportedMediaType, UnsupportedTusVersion, UploadEnded
from app.request_bodies import TusMetadata
from app.requests import check, invalid, path_job_id, traceparent
from jobs.engine.jobs import Status
from jobs.errors import HaulageError, IllegalTransition, WrongChecksum
from jobs.files.visibility import Visibility
from jobs.storage.crc32 import CRC32_SIZE, crc32
from jobs.uploads.appending import BodyChecksum, Received, check_offset, check_room

PATH = f"{UPLOAD}/tus"
VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,termination,checksum"
ALGORITHMS = ("crc32", "sha256", "sha1", "md5")
"""Of checksums. SHA-1 is the one that every server has to support; the others detect accidents as well or better."""
MEDIA_TYPE = "application/offset+octet-stream"
REQUEST_HEADERS = (
    "Tus-Resumable",
    "Upload-Checksum",
    "Upload-Defer-Length",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
    "X-HTTP-Method-Override",
    "X-Requested-With",
)
"""Those that pages of other origins may send."""
RESPONSE_HEADERS = (
    "Tus-Checksum-Algorithm",
    "Tus-Extension",
    "Tus-Max-Size",
    "Tus-Resumable",
    "Tus-Version",
    "Upload-Defer-Length",
    "Upload-Expires",
    "Upload-Length",
    "Upload-Metadata",
    "Upload-Offset",
)
"""Those that they may read."""

_SIZE = re.compile(r"[0-9]{1,18}", re.ASCII)
_NAMES = {"filename": "name", "name": "name", "filetype": "contentType", "type": "contentType"}
"""What the usual clients call a file's name and type. The first that is sent counts."""
_FIELDS = {field.alias or name for name, field in TusMetadata.model_fields.items()}
"""Those that we know."""


async def options(request: Request) -> Response:
    """What this server can do."""
    headers = {
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(intake_context(request).appends.max_size),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(None, 204, headers)


async def create(request: Request) -> Response:
    """Creates an upload, with the first of its bytes if the request has a body."""
    it, principal = intake_context(request), principal_of(request)
    settings = it.services.settings
    size = _new_size(request)
    if size is not None:
        it.appends.check_size(size)
    metadata = request.headers.get("upload-metadata")
    wanted = check(_metadata_of(metadata or ""), TusMetadata)
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    checksum = None
    if has_body:
        _check_media_type(request)
        check_room(_body_length(request), it.appends.max_size if size is None else size)
        checksum = _checksum_of(request)
    new = replace(
        wanted.new_upload(wanted, size, Visibility(settings.upload_visibility)), streamed=True, tus_metadata=metadata
    )
    with it.receiving():
        generation = it.guard.owners.generation
        [upload] = await it.services.uploads.create(principal.owner, [new], traceparent=traceparent(request))
        it.guard.owners.remember(upload.id, upload.owner, generation)
        request.state.subject = str(upload.id)
        received = Received(upload, 0)
        if has_body or size == 0:
            try:
                received = await it.appends.append(upload.id, 0, _body_of(request, it), checksum=checksum)
                await _complete_if_whole(request, it, received)
            except BaseException:
                # The client does not know the address of the upload yet, so nobody can continue it.
                with suppress(HaulageError):
                    await it.services.lifecycle.cancel(upload.id)
                raise
    location = f"{it.address.root}{PATH}/{upload.id}"
    return Response(None, 201, {"Location": location, **_progress(received)})


async def head(request: Request) -> Response:
    """How much has arrived.

    Completes an upload that was whole when its server was killed, unless the caller may see it and no more.
    """
    it, job_id = intake_context(request), path_job_id(request)
    async with _ending(it, job_id):
        received = await it.appends.received(job_id)
        if principal_of(request).acts_on(received.upload.owner):
            await _complete_if_whole(request, it, received)
    upload = received.upload
    length = {"Upload-Length": str(upload.size)} if upload.size_known else {"Upload-Defer-Length": "1"}
    metadata = {} if upload.tus_metadata is None else {"Upload-Metadata": upload.tus_metadata}
    return Response(None, 200, {**length, **metadata, **_progress(received)})


async def patch(request: Request) -> Response:
    """Appends bytes. What has arrived stays if the client breaks off, unless they have a checksum."""
    it, job_id = intake_context(request), path_job_id(request)
    _check_media_type(request)
    offset = _header_size(request, "Upload-Offset")
    if offset is None:
        raise invalid("Upload-Offset", "is required", "")
    size, checksum = _header_size(request, "Upload-Length"), _checksum_of(request)
    with it.receiving():
        async with _ending(it, job_id):
            received = await it.appends.received(job_id)
            if received.upload.status is Status.RECEIVING:
                received = await it.appends.append(
                    job_id, offset, _body_of(request, it), size=size, announced=_body_length(request), checksum=checksum
                )
                await _complete_if_whole(request, it, received)
            else:  # the response to the last bytes was lost
                check_offset(job_id, received.offset, offset)
                check_room(_body_length(request), 0)
                async for chunk in _body_of(request, it):
                    check_room(len(chunk), 0)
    return Response(None, 204, _progress(received))


async def delete(request: Request) -> Response:
    """Cancels the upload. A worker removes what has arrived of it."""
    it, job_id = intake_context(request), path_job_id(request)
    async with _ending(it, job_id):
        await it.appends.received(job_id)
        await it.services.lifecycle.cancel(job_id)
    return Response(None, 204)


async def override(request: Request) -> Response:
    """A request of a client that can send POST only."""
    method = request.headers.get("x-http-method-override", "").upper()
    handler = {"PATCH": patch, "DELETE": delete, "HEAD": head}.get(method)
    if handler is None:
        raise invalid("X-HTTP-Method-Override", "must be PATCH, DELETE or HEAD", method)
    return await handler(request)


@asynccontextmanager
async def _ending(it: IntakeContext, job_id: UUID) -> AsyncIterator[None]:
    """Raises `UploadEnded` for what fails since the upload was cancelled, or has lapsed: 409 means to try again."""
    try:
        yield
    except IllegalTransition as error:
        if (await it.services.uploads.read(job_id)).status is Status.CANCELLED:
            raise UploadEnded(f"{error.message} Start a new upload.") from error
        raise


async def _complete_if_whole(request: Request, it: IntakeContext, received: Received) -> None:
    if not received.is_whole or received.upload.status is not Status.RECEIVING:
        return
    principal = principal_of(request)
    it.guard.check_not_revoked(principal)
    await it.services.uploads.complete(received.upload.id)
    await it.audit.record(request, principal, "completeUpload", str(received.upload.id))


def _progress(received: Received) -> dict[str, str]:
    headers = {"Upload-Offset": str(received.offset)}
    if received.upload.status is Status.RECEIVING and not received.is_whole:
        headers["Upload-Expires"] = format_datetime(received.upload.due_at.astimezone(UTC), usegmt=True)
    return headers


def _body_of(request: Request, it: IntakeContext) -> AsyncIterator[bytes]:
    return it.admitted(principal_of(request), request.stream())


# --- headers ----------------------------------------------------------------------------------------------------------


def _new_size(request: Request) -> int | None:
    """The size of a new upload; None if the client tells it later."""
    if "upload-concat" in request.headers:
        raise invalid(
            "Upload-Concat", "is not supported: send the file as one upload", request.headers["upload-concat"]
        )
    deferred = request.headers.get("upload-defer-length")
    size = _header_size(request, "Upload-Length")
    if (size is None) == (deferred is None) or deferred not in {None, "1"}:
        raise invalid("Upload-Length", "must be the size in bytes, or Upload-Defer-Length must be 1", deferred or "")
    return size


def _header_size(request: Request, name: str) -> int | None:
    text = request.headers.get(name)
    if text is None:
        return None
    if _SIZE.fullmatch(text) is None:
        raise invalid(name, "must be a number of bytes", text)
    return int(text)


def _check_media_type(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise UnsupportedMediaType(
            f"The body must be {MEDIA_TYPE}"
            + (f", not {media_type[:100]}." if media_type else ": set the Content-Type header.")
        )


def _body_length(request: Request) -> int | None:
    """The bytes of the body; None if they are known only when it ends."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else None


def _metadata_of(header: str) -> dict[str, object]:
    """The fields of `Upload-Metadata`, by our names. Those that we do not know are the client's own."""
    found: dict[str, object] = {}
    for pair in filter(None, (one.strip() for one in header.split(","))):
        key, _, encoded = pair.partition(" ")
        field = _NAMES.get(key, key)
        if field not in _FIELDS:
            continue
        try:
            value = base64.b64decode(encoded.strip(), validate=True).decode()
        except ValueError:
            raise invalid("Upload-Metadata", f"must have {key} as UTF-8 in Base64", encoded) from None
        if value:
            found.setdefault(field, [group for group in value.split(",") if group] if field == "groups" else value)
    return {"name": "file", **found}


class _Hash(Protocol):
    def update(self, chunk: bytes, /) -> None: ...
    def digest(self) -> bytes: ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, chunk: bytes, /) -> None:
        self._value = crc32(chunk, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(CRC32_SIZE, "big")


class _AnnouncedChecksum:
    """Compares the bytes of a request with its `Upload-Checksum`."""

    def __init__(self, algorithm: str, expected: bytes) -> None:
        self._hash: _Hash = _Crc32() if algorithm == "crc32" else hashlib.new(algorithm, usedforsecurity=False)
        self._algorithm = algorithm
        self._expected = expected

    def update(self, chunk: bytes) -> None:
        self._hash.update(chunk)

    def verify(self) -> None:
        found = self._hash.digest()
        if found != self._expected:
            raise WrongChecksum(
                f"The {self._algorithm} of the body is {base64.b64encode(found).decode()}, not that of Upload-Checksum."
                " None of its bytes were kept. Send them again."
            )


def _checksum_of(request: Request) -> BodyChecksum | None:
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in ALGORITHMS:
        raise invalid("Upload-Checksum", f"must have one of the algorithms {', '.join(ALGORITHMS)}", algorithm)
    try:
        return _AnnouncedChecksum(algorithm, base64.b64decode(encoded, validate=True))
    except ValueError:
        raise invalid("Upload-Checksum", "must have the checksum in Base64", encoded) from None


# --- the operations ---------------------------------------------------------------------------------------------------


def _of_this_version(handler: Handler) -> Handler:
    async def serve(request: Request) -> Response:
        sent = request.headers.get("tus-resumable", "")
        if sent != VERSION:
            raise UnsupportedTusVersion(f"The header Tus-Resumable must be {VERSION}, not {sent[:20]!r}.")
        return await handler(request)

    return serve


def _operation(method: str, path: str, rule: Rule, handler: Callable[[Request], Awaitable[Response]]) -> Operation:
    """Not part of the OpenAPI document: tus has a specification of its own, and clients that follow it."""
    name = {"POST": "createTusUpload"}.get(method, "sendParts") if path == PATH else "sendParts"
    if handler is delete:
        name = "cancelUpload"
    return Operation(method, path, rule, handler, name, (handler.__doc__ or "").partition(".")[0], "uploads", {204: ()})


OPERATIONS = (
    _operation("OPTIONS", PATH, EVERYBODY, options),
    _operation("POST", PATH, UPLOAD_FILES, _of_this_version(create)),
    _operation("OPTIONS", f"{PATH}/{{jobId}}", EVERYBODY, options),
    _operation("HEAD", f"{PATH}/{{jobId}}", SEE_PARTS, _of_this_version(head)),
    _operation("PATCH", f"{PATH}/{{jobId}}", SEND_PARTS, _of_this_version(patch)),
    _operation("DELETE", f"{PATH}/{{jobId}}", SEND_PARTS, _of_this_version(delete)),
    _operation("POST", f"{PATH}/{{jobId}}", SEND_PARTS, _of_this_version(override)),
)


class TusHeaders:
    """Adds what all responses of the protocol have, errors included."""

    def __init__(self, app: ASGIApp, root: str) -> None:
        """`root`: the root path of the intake."""
        self._app = app
        self._path = root + PATH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{self._path}/"):
            return await self._app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name for name, _ in message["headers"]}
                own = {
                    b"tus-resumable": VERSION.encode(),
                    b"tus-version": VERSION.encode(),
                    b"cache-control": b"no-store",
                }
                message["headers"] += [(name, value) for name, value in own.items() if name not in names]
            await send(message)

        return await self._app(scope, receive, send_with_headers)
