"""Jobs: create, read, retry, cancel, list."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.access.principals import Principal
from app.context import admission_of, context, holder_of, json_response, listed_owner, reader_of
from app.granted_files import apply_grant, granted, resolve_granted
from app.pagination import Page, cursor_of, page_limit, page_of, page_response, time_cursor
from app.problems import TooManyFollowers
from app.rate_limit_headers import jobs_quota
from app.request_bodies import FileSelection, OneFile
from app.requests import (
    MAX_SEQ,
    RequestReader,
    idempotency_key,
    path_job_id,
    prefer_wait,
    prefers_async,
    query_choices,
    query_int,
    query_text,
    read_body,
    traceparent,
)
from app.schemas import Accepted, BaseStatus, JobPage, Started
from app.serializers import CACHE_CONTROL, etag_matches, etag_of, item_of, links_of
from app.url_checks import check_urls
from jobs.access.grants import GrantUse
from jobs.bundles.downloads import Compression, NewDownload
from jobs.bundles.resolver import Missing
from jobs.concurrency import cancel_and_wait
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.admissions import Admission
from jobs.engine.sql.jobs import Idempotency

RETRY_AFTER = "2"
"""Seconds after which to poll an accepted job (seed 003: polling every 2 s)."""


async def initiate(request: Request) -> Response:
    """Creates the job; a worker is woken after the response."""
    with RequestReader(request) as read:
        key = read(idempotency_key)
        selection = await read_body(request, FileSelection)
    selection = await granted(request, selection)
    it = context(request)
    owner = principal_of(request).owner
    idempotency = None if key is None else Idempotency(key, _digest(selection))
    # A repeated request gets its job, whatever a check of its URLs would find now.
    if selection.sources() and (
        idempotency is None or await it.services.lifecycle.find_earlier(owner, idempotency) is None
    ):
        await check_urls(request, selection)
    new = NewDownload(
        files=selection.requests(),
        sources=selection.sources(),
        archive_name=selection.safe_archive_name(),
        on_missing=selection.on_missing,
        compression=selection.compression,
        owner=owner,
        reader=reader_of(request),
        grant=_grant_use(principal_of(request)),
        admission=admission_of(request),
        audit=it.audit.entry(request, principal_of(request), "initiate"),
        traceparent=traceparent(request),
    )
    owners = it.guard.owners
    generation = owners.generation
    job = await it.services.downloads.create(new, idempotency)
    owners.remember(job.id, job.owner, generation)
    request.state.is_recorded = True
    _show_limits(request, new.admission)
    return _accepted(request, job)


def _show_limits(request: Request, admission: Admission | None) -> None:
    """Leaves with the response how many jobs the caller may still start, if this one was counted."""
    if admission is not None and (usage := admission.usage) is not None:
        request.scope["state"]["response"].quotas.append(jobs_quota(usage.limit, usage.remaining, usage.reset))


def _grant_use(principal: Principal) -> GrantUse | None:
    """What is counted when a job is created with a grant."""
    if principal.grant is None or principal.issuer is None or principal.expires_at is None:
        return None
    return GrantUse(principal.issuer, principal.proof_id, principal.grant.jobs, principal.expires_at)


def _digest(selection: FileSelection) -> str:
    """The same for two equivalent bodies, whatever their whitespace or order of fields."""
    # A field that was added later is left out at its default, so that digests of older requests stay the same.
    newer = {"compression"} if selection.compression is Compression.STORE else set()
    return hashlib.sha256(selection.model_dump_json(by_alias=True, exclude=newer).encode()).hexdigest()


def _accepted(request: Request, job: Job, headers: Mapping[str, str] | None = None) -> Response:
    links = links_of(job.id, context(request).address.root)
    body = Accepted(job_id=job.id, status=job.status, total_file_ids=job.progress.files_total, links=links)
    return json_response(body, 202, {"Location": links.self_, "Retry-After": RETRY_AFTER, **(headers or {})})


async def start(request: Request) -> Response:
    """Waits until one file can be downloaded; returns the job if that takes longer than the client or the server waits.

    `Prefer: respond-async` without `wait` returns the job at once.
    """
    began = perf_counter()
    one = await read_body(request, OneFile)
    it = context(request)
    longest = it.services.settings.start_wait
    wait, is_async = prefer_wait(request, longest), prefers_async(request)
    patience = (0 if is_async else longest) if wait is None else wait
    applied = [*(["respond-async"] if is_async else []), *([] if wait is None else [f"wait={wait:g}"])]
    headers = {"Preference-Applied": ", ".join(applied)} if applied else {}
    wishes = apply_grant(request, FileSelection(file_ids=[one.file_id]))
    files = wishes.requests()
    [found] = await resolve_granted(request, files)
    if isinstance(found, Missing):
        return _started(
            one.file_id, Status.FAILED, None, None, began, f"File {one.file_id} is missing: {found.reason}."
        )
    principal, owners = principal_of(request), it.guard.owners
    new = NewDownload(
        files=files,
        archive_name=wishes.safe_archive_name(),
        on_missing=wishes.on_missing,
        owner=principal.owner,
        reader=reader_of(request),
        grant=_grant_use(principal),
        admission=admission_of(request),
        audit=it.audit.entry(request, principal, "start"),
        traceparent=traceparent(request),
    )
    generation = owners.generation
    job = await it.services.downloads.create(new)
    owners.remember(job.id, job.owner, generation)
    request.state.is_recorded = True
    _show_limits(request, new.admission)
    try:
        status = await _wait(request, job.id, patience, _ended)
    except TooManyFollowers:
        return _accepted(request, job, headers)
    if not _ended(status):
        return _accepted(request, replace(job, status=status.status), headers)
    if status.status is not Status.COMPLETED:
        message = status.error.message if status.error else f"The job was {status.status}."
        return _started(one.file_id, status.status, None, None, began, message)
    link = await it.result_links.link(await it.services.downloads.read(job.id))
    return _started(one.file_id, status.status, link.url, link.result.size, began, "The file is ready to download.")


def _started(
    file_id: int,
    status: Status,
    url: str | None,
    size: int | None,
    began: float,
    message: str,
) -> Response:
    taken = round(1000 * (perf_counter() - began))
    body = Started(
        file_id=file_id, status=status, download_url=url, size=size, processing_time_ms=taken, message=message
    )
    return json_response(body, headers={"Cache-Control": "no-store"})


def _ended(status: BaseStatus) -> bool:
    return status.status.ended


async def status(request: Request) -> Response:
    """The job now; with `Prefer: wait=N` as soon as it has changed or ended."""
    with RequestReader(request) as read:
        job_id = read(path_job_id)
        asked = request.scope["query_string"] and "since" in request.query_params  # most polls have no query
        since = read(query_int, "since", -1, 0, MAX_SEQ) if asked else None
    seen = request.headers.get("if-none-match")
    wait = prefer_wait(request)
    if wait:
        found = await _wait(request, job_id, wait, lambda now: _is_news(now, seen, since), since)
    else:
        fresh = "no-cache" in request.headers.get("cache-control", "")
        found = await context(request).hub.polling.read(job_id, since, fresh=fresh)
    return status_response(found, seen, {"Preference-Applied": f"wait={wait:g}"} if wait else {})


def status_response(status: BaseStatus, seen: str | None, headers: Mapping[str, str]) -> Response:
    """The job with its ETag; 304 if that is in `seen`, the client's `If-None-Match`."""
    etag = etag_of(status)
    headers = {"ETag": etag, "Cache-Control": CACHE_CONTROL, **headers}
    if seen is not None and etag_matches(seen, etag):
        return Response(None, 304, headers)
    return Response(status.body, headers=headers, media_type="application/json")


async def _wait(
    request: Request,
    job_id: UUID,
    patience: float,
    enough: Callable[[BaseStatus], bool],
    since: int | None = None,
) -> BaseStatus:
    """As `Polling.wait`, but raises `ClientDisconnect` when the client disconnects. Such a request is not timed."""
    request.scope["state"]["timer"] = None
    it = context(request)
    holder = holder_of(request, it)
    waiting = asyncio.create_task(it.hub.polling.wait(job_id, holder, patience, enough, since))
    leaving = asyncio.create_task(_disconnected(request))
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise ClientDisconnect
        await it.guard.admit_again(request)
        return waiting.result()
    finally:
        await cancel_and_wait(waiting, leaving)


async def _disconnected(request: Request) -> None:
    """Returns when the client has disconnected; the rest of its body is ignored."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _is_news(now: BaseStatus, seen: str | None, since: int | None) -> bool:
    """Whether a long-poll can end: something is newer than what the client has, or without that, the job has ended."""
    if now.status.ended:
        return True
    if seen is not None:
        return not etag_matches(seen, etag_of(now))
    return since is not None and now.seq > since


async def retry(request: Request) -> Response:
    """Queues an ended job again, with all its attempts."""
    it = context(request)
    owner, reader, admission = principal_of(request).owner, reader_of(request), admission_of(request)
    job_id = path_job_id(request)
    await it.services.uploads.require_retryable(job_id)
    job = await it.services.downloads.retry(job_id, owner, reader, admission, traceparent(request))
    it.hub.polling.invalidate(job.id, job.seq)
    _show_limits(request, admission)
    return _accepted(request, job)


async def cancel(request: Request) -> Response:
    """Cancels the job; idempotent."""
    job_id = path_job_id(request)
    it = context(request)
    job = await it.services.lifecycle.cancel(job_id)
    it.hub.polling.invalidate(job_id, job.seq)
    return json_response(await it.hub.polling.read(job_id, fresh=True))


async def listing(request: Request) -> Response:
    """The caller's jobs, newest first; `q` searches their names, in as many pages as it takes."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        cursor = read(time_cursor)
        statuses = read(query_choices, "status", Status)
        search = read(query_text, "q")
        owner = read(listed_owner)
    it = context(request)
    downloads = it.services.downloads
    if search:
        found, following = await downloads.search(owner, statuses, search, cursor, limit)
        page = Page(found, None if following is None else cursor_of(following[0].isoformat(), str(following[1])))
    else:
        found = await downloads.page(owner, statuses, cursor, limit + 1)
        page = page_of(found, limit, lambda job: (job.created_at.isoformat(), str(job.id)))
    jobs = JobPage(jobs=[item_of(job, it.address.root) for job in page.items], next_cursor=page.next_cursor)
    return page_response(request, jobs, page.next_cursor)
