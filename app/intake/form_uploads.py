"""Uploads by form: one request carries the whole file.

So the upload is complete when the request ends, or does not exist.
"""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.context import json_response
from app.endpoints.jobs import RETRY_AFTER
from app.intake.context import IntakeContext, intake_context
from app.intake.forms import FormReader
from app.request_bodies import ReceivedForm, UploadForm
from app.requests import check, traceparent
from app.schemas import UploadsCreated
from app.serializers import new_upload_of
from jobs.errors import HaulageError
from jobs.files.visibility import Visibility

log = structlog.get_logger()

FIELDS = [field.alias or name for name, field in UploadForm.model_fields.items() if name != "file"]


async def receive(request: Request) -> Response:
    """Receives a file, sends it to the store as it arrives, and queues its upload. If anything fails, nothing is kept."""
    it, principal = intake_context(request), principal_of(request)
    settings = it.services.settings
    form = FormReader(request, FIELDS, settings.max_form_bytes)
    head = await form.head()
    named = {"name": head.file_name, **head.fields, "file": head.file_name, "contentType": head.content_type}
    wanted = check(named, ReceivedForm)
    new = replace(wanted.new_upload(wanted, None, Visibility(settings.upload_visibility)), streamed=True)
    with it.receiving():
        [upload] = await it.services.uploads.create(principal.owner, [new], traceparent=traceparent(request))
        try:
            await it.appends.append(upload.id, 0, it.admitted(principal, form.content()), ends_file=True)
            it.guard.check_not_revoked(principal)
            await it.services.uploads.complete(upload.id)
        except BaseException:
            await _cancel(it, upload.id)
            raise
    request.state.subject = str(upload.id)
    item = new_upload_of(await it.services.uploads.read(upload.id), it.gateway_root)
    headers = {"Location": item.links.self_, "Retry-After": RETRY_AFTER}
    return json_response(UploadsCreated(jobs=[item]), 202, headers)


async def _cancel(it: IntakeContext, job_id: UUID) -> None:
    """Cancels an upload that was broken off, so that a worker removes what has arrived of it."""
    try:
        await it.services.lifecycle.cancel(job_id)
    except HaulageError as error:  # it lapses later on
        log.warning("upload_cancel_failed", job_id=str(job_id), reason=error.message)
