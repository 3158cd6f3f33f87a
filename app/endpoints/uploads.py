"""Uploads: created, sent in parts from the client to the store, completed. No byte of a file passes through here."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.access.principals import Role, Scope
from app.access.tickets import new_ticket
from app.context import context, json_response, listed_owner
from app.endpoints.jobs import RETRY_AFTER
from app.pagination import page_limit, page_of, page_response, time_cursor
from app.problems import IntakeMissing
from app.request_bodies import CompleteUpload, NewUploads, SendParts
from app.requests import (
    RequestReader,
    idempotency_key,
    path_job_id,
    query_choices,
    read_body,
    read_optional_body,
    traceparent,
)
from app.schemas import PartItem, PartsSigned, SignedPartItem, UploadCompleted, UploadPage, UploadParts, UploadsCreated
from app.serializers import UPLOADS, new_upload_of, upload_item_of, upload_links_of
from jobs.engine.jobs import Status
from jobs.engine.sql.jobs import Idempotency
from jobs.errors import UploadTooLarge
from jobs.files.catalogue import find_thumbnails
from jobs.files.visibility import Visibility
from jobs.storage.part_signing import LIFETIME

NO_STORE = {"Cache-Control": "no-store"}
FORM = f"{UPLOADS}/form"


async def create(request: Request) -> Response:
    """Creates a job for each file. The store is not called, whatever the size of the files."""
    with RequestReader(request) as read:
        key = read(idempotency_key)
        wanted = await read_body(request, NewUploads)
    it = context(request)
    settings = it.services.settings
    for place, file in enumerate(wanted.files):
        if file.size > settings.max_upload_size:
            raise UploadTooLarge(
                f"files[{place}] has {file.size:,} bytes, but at most {settings.max_upload_size:,} are accepted. No upload"
                " was created."
            )
    default = Visibility(settings.upload_visibility)
    new = [wanted.new_upload(file, file.size, default) for file in wanted.files]
    # Fields that were added later are left out at their defaults, so that digests of older requests stay the same.
    newer = {name for name in ("recipe", "on_processing_error") if name not in wanted.model_fields_set}
    digest = hashlib.sha256(b"upload " + wanted.model_dump_json(by_alias=True, exclude=newer).encode()).hexdigest()
    owners = it.guard.owners
    generation = owners.generation
    uploads = await it.services.uploads.create(
        principal_of(request).owner, new, None if key is None else Idempotency(key, digest), traceparent(request)
    )
    for upload in uploads:
        owners.remember(upload.id, upload.owner, generation)
    request.state.subject = str(uploads[0].id)
    body = UploadsCreated(jobs=[new_upload_of(upload, it.address.root) for upload in uploads])
    headers = {"Location": body.jobs[0].links.self_} if len(uploads) == 1 else {}
    return json_response(body, 202, {"Retry-After": RETRY_AFTER, **headers})


async def to_intake(request: Request) -> Response:
    """Redirects a form to the intake, before its body is read. A ticket in the URL stands for the caller, once.

    The response closes the connection: whatever of the body is on its way is discarded.
    """
    it = context(request)
    intake = it.services.settings.intake_url
    if intake is None:
        raise IntakeMissing(
            "This gateway receives no files, and knows no intake that does. Send the parts of the file to the store"
            f" (POST {it.address.root}{UPLOADS}, or `haulage upload`). Operators: run `haulage intake`, and set INTAKE_URL."
        )
    url = f"{intake}{FORM}"
    if url.partition("://")[2] == request.headers.get("host", "") + request.scope["path"]:
        raise IntakeMissing(
            "INTAKE_URL leads to the gateway. Operators: let the proxy send this path to the intake, or set INTAKE_URL to"
            " an address at which clients reach the intake itself."
        )
    if not it.guard.authenticator.is_open:
        url += f"?ticket={await new_ticket(it.services.database, principal_of(request), Scope.FILES_WRITE)}"
    return Response(None, 307, {**NO_STORE, "Location": url, "Connection": "close"})


async def send(request: Request) -> Response:
    """Signs URLs for parts, and records which were sent."""
    with RequestReader(request) as read:
        job_id = read(path_job_id)
        body = await read_body(request, SendParts)
    it = context(request)
    expires_at = datetime.now(UTC) + timedelta(seconds=LIFETIME)
    upload, parts = await it.services.uploads.send(
        job_id, [(part.number, int(part.crc32, 16)) for part in body.sign], body.sent
    )
    it.hub.polling.invalidate(job_id, upload.seq)
    signed = [
        SignedPartItem(number=part.number, url=part.put.url, headers=dict(part.put.headers), size=part.size)
        for part in parts
    ]
    answer = PartsSigned(
        parts=signed, expires_at=expires_at, bytes_done=upload.progress.bytes_done, bytes_total=upload.size
    )
    return json_response(answer, headers=NO_STORE)


async def parts(request: Request) -> Response:
    """What is known of the parts, so that any client can continue the upload."""
    uploads = context(request).services.uploads
    upload = await uploads.read(path_job_id(request))
    found = [
        PartItem(number=part.number, size=upload.size_of(part.number), crc32=f"{part.crc32:08x}", sent=part.sent)
        for part in await uploads.parts(upload.id)
    ]
    body = UploadParts(status=upload.status, part_size=upload.part_size, parts_total=upload.part_count, parts=found)
    return json_response(body, headers=NO_STORE)


async def complete(request: Request) -> Response:
    """Queues the upload; a worker assembles and checks the file. Idempotent."""
    with RequestReader(request) as read:
        job_id = read(path_job_id)
        wanted = await read_optional_body(request, CompleteUpload)
    it = context(request)
    job = await it.services.uploads.complete(job_id, wanted.sent)
    it.hub.polling.invalidate(job.id, job.seq)
    links = upload_links_of(job.id, None, it.address.root)
    body = UploadCompleted(job_id=job.id, status=job.status, links=links)
    return json_response(body, 202, {"Location": links.self_, "Retry-After": RETRY_AFTER})


async def listing(request: Request) -> Response:
    """The caller's uploads, newest first."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        cursor = read(time_cursor)
        statuses = read(query_choices, "status", Status)
        owner = read(listed_owner)
    it = context(request)
    found = await it.services.uploads.page(owner, statuses, cursor, limit + 1)
    page = page_of(found, limit, lambda upload: (upload.created_at.isoformat(), str(upload.id)))
    findings = principal_of(request).role.includes(Role.OPERATOR)
    files = [upload.file_id for upload in page.items if upload.file_id is not None]
    processing = await it.services.processing.summaries(files)
    thumbnails = await find_thumbnails(it.services.database, files)
    items = []
    for upload in page.items:
        made, thumbnail = processing.get(upload.file_id or 0), thumbnails.get(upload.file_id or 0)
        items.append(upload_item_of(upload, made, thumbnail, it.address.root, findings=findings))
    body = UploadPage(jobs=items, next_cursor=page.next_cursor)
    return page_response(request, body, page.next_cursor)
