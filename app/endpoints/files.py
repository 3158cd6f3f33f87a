"""Files: the catalogue, and the preflight check of a request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.access.principals import Proof, Scope
from app.context import context, json_response, reader_of
from app.granted_files import apply_grant, check_granted_ids, resolve_granted
from app.pagination import number_cursor, page_limit, page_of, page_response
from app.problems import Forbidden, Unauthenticated
from app.request_bodies import FileSelection, OneFile, Reprocess, wishes_of
from app.requests import RequestReader, invalid, query_int, query_text, read_body, read_json
from app.requests import check as check_body
from app.schemas import FileCheck, FilePage, Preflight, PreflightFile, Reprocessed
from app.serializers import file_detail_of, file_of
from app.url_checks import refuse_urls
from jobs.bundles.downloads import Compression, ResultKind
from jobs.bundles.planning import plan_deflated_bundle, plan_stored_bundle
from jobs.bundles.resolver import Missing, Source
from jobs.engine.jobs import FileRequest
from jobs.errors import FileGone, FileNotFound
from jobs.files.catalogue import StoredFile, find_files, find_thumbnails, list_files, mark_gone
from jobs.files.states import GoneReason, Role
from jobs.files.tables import FILE_ID_MAX, FILE_ID_MIN
from jobs.files.texts import TextMatch, find_searchable, search_texts
from jobs.processing.processing import Selection, plain_type
from jobs.settings import Settings

ANY_ROLE = "any"
"""The `role` that lists all files."""
SHOWN_TYPES = frozenset(
    {
        "application/pdf",
        "image/avif",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/plain",
    }
)
"""Types that browsers show instead of saving, whoever made the file: none of them runs scripts."""
PREVIEWS = frozenset({Role.THUMBNAIL, Role.WEB, Role.POSTER})
"""The roles of files of which visitors get the content."""
CONTENT_LIFETIME = 300.0
"""Seconds that the URL of a file's content is valid. That of a video is `LINK_TTL`: it is read while it plays."""
CACHED_SHARE = 0.5
"""The part of that time for which a browser uses the URL again."""


async def check(request: Request) -> Response:
    """Checks one file, or a whole selection: which files exist, and the size of the result."""
    raw = await read_json(request)
    if isinstance(raw, dict) and "file_id" in raw:
        one = check_body(raw, OneFile)
        check_granted_ids(request, [one.file_id])
        [found] = await resolve_granted(request, [FileRequest(file_id=one.file_id)])
        return json_response(_file_check(one.file_id, found))
    selection = apply_grant(request, check_body(raw, FileSelection))
    refuse_urls(selection)
    sources = await resolve_granted(request, selection.requests())
    return json_response(_preflight(selection, sources, context(request).services.settings))


def _file_check(file_id: int, found: Source | Missing) -> FileCheck:
    if isinstance(found, Missing):
        return FileCheck(file_id=file_id, available=False, s3_key=None, size=None)
    return FileCheck(file_id=file_id, available=True, s3_key=found.key, size=found.size)


def _preflight(selection: FileSelection, found: list[Source | Missing], settings: Settings) -> Preflight:
    sources = [one for one in found if isinstance(one, Source)]
    missing = [one for one in found if isinstance(one, Missing)]
    fails = selection.on_missing.fails(missing=len(missing), available=len(sources))
    kind = ResultKind.of(len(found), selection.archive_name)
    size, at_most = (None, None) if fails else _sizes(selection, kind, sources, missing, settings)
    return Preflight(
        kind=kind,
        files_total=len(found),
        files_available=len(sources),
        missing=[one.file_id for one in missing],
        total_bytes=sum(one.size for one in sources),
        result_bytes=size,
        result_bytes_at_most=at_most,
        would_fail=fails,
        files=[_preflight_file(one) for one in found],
    )


def _sizes(
    selection: FileSelection,
    kind: ResultKind,
    sources: Sequence[Source],
    missing: Sequence[Missing],
    settings: Settings,
) -> tuple[int | None, int]:
    """The size of the result in bytes, if known, and its upper bound."""
    if kind is ResultKind.OBJECT:
        return sources[0].size, sources[0].size
    now = datetime.now(UTC)
    if selection.compression is Compression.DEFLATE:
        return None, plan_deflated_bundle(now, sources, missing, settings).max_size
    size = plan_stored_bundle(now, sources, missing, settings).size
    return size, size


def _preflight_file(one: Source | Missing) -> PreflightFile:
    if isinstance(one, Missing):
        return PreflightFile(file_id=one.file_id, name=one.name, available=False, size=None, reason=one.reason)
    return PreflightFile(file_id=one.file_id, name=one.name, available=True, size=one.size)


async def catalogue(request: Request) -> Response:
    """The files that can be requested, by id; `q` searches their names, `text` what is written in them.

    Only originals, unless `role` says otherwise.
    """
    with RequestReader(request) as read:
        limit = read(page_limit)
        after = read(number_cursor)
        search = read(query_text, "q")
        words = read(query_text, "text")
        parent_id = read(query_int, "parent", 0, FILE_ID_MIN, FILE_ID_MAX) or None
        role = read(_listed_role, has_parent=parent_id is not None)
    if principal_of(request).grant is not None:
        raise Forbidden("A grant names its files. It lists no others.")
    services, reader = context(request).services, reader_of(request)
    if words:
        _require_content(request)
        found = await services.reads.run(
            lambda database: search_texts(
                database, reader, words, search, after, limit + 1, role=role, parent_id=parent_id
            )
        )
    else:
        files = await services.reads.run(
            lambda database: list_files(database, reader, search, after, limit + 1, role=role, parent_id=parent_id)
        )
        found = [TextMatch(file, None) for file in files]
    page = page_of(found, limit, lambda one: (str(one.file.id),))
    thumbnails = await find_thumbnails(services.database, [one.file.id for one in page.items])
    items = [file_of(one.file, thumbnails.get(one.file.id), one.snippet) for one in page.items]
    return page_response(request, FilePage(files=items, next_cursor=page.next_cursor), page.next_cursor)


def _require_content(request: Request) -> None:
    """Raises an error for callers who may list files and not fetch them: a search in texts would show them these."""
    principal = principal_of(request)
    if Scope.RESULTS_READ not in principal.scopes:
        if principal.proof is Proof.ANONYMOUS:
            raise Unauthenticated("Visitors do not search in the texts of files. Sign in to do so.")
        raise Forbidden(f"To search in the texts of files, a caller needs the scope {Scope.RESULTS_READ}, too.")


def _listed_role(request: Request, *, has_parent: bool) -> Role | None:
    """The role of the files to list; None for all. Without `role` it is `original`, or any with a parent."""
    text = request.query_params.get("role")
    if text is None:
        return None if has_parent else Role.ORIGINAL
    if text == ANY_ROLE:
        return None
    try:
        return Role(text)
    except ValueError:
        raise invalid("role", f"must be {ANY_ROLE} or one of {', '.join(Role)}", text) from None


async def read(request: Request) -> Response:
    """One file of the catalogue, and what was made of it; 410 with date and reason for one that was removed."""
    file = await _file(request)
    processing = context(request).services.processing
    summary = None
    if principal_of(request).sees(file.owner):
        summary = (await processing.summaries([file.id])).get(file.id)
    searchable = await find_searchable(context(request).services.database, file.id)
    return json_response(file_detail_of(file, await processing.derivatives(file.id), summary, searchable))


async def content(request: Request) -> Response:
    """Redirects to a presigned URL of the file, for `<img>` and `<video>`; with `download=1`, browsers save it.

    Visitors, who get no results, get the previews of public files.
    """
    with RequestReader(request) as read:
        is_saved = read(query_int, "download", 0, 0, 1) == 1
    file = await _file(request)
    if file.role not in PREVIEWS and Scope.RESULTS_READ not in principal_of(request).scopes:
        raise Unauthenticated(
            f"Visitors get the previews of files only, and file {file.id} is none. Sign in to fetch it."
        )
    storage, settings = context(request).services.storage, context(request).services.settings
    is_video = file.content_type.startswith("video/")
    lifetime = settings.link_ttl if is_video else min(CONTENT_LIFETIME, settings.link_ttl)
    url = storage.presigner.presign(
        file.key,
        "GET",
        file.name.rpartition("/")[2],
        file.content_type,
        lifetime,
        inline=not is_saved and _is_shown(file),
    )
    cached = f"private, max-age={int(lifetime * CACHED_SHARE)}"
    return Response(None, 302, {"Location": url, "Cache-Control": cached})


def _is_shown(file: StoredFile) -> bool:
    """Whether a browser may show the file. Whatever might run scripts, as SVG and HTML, is saved."""
    media_type = plain_type(file.content_type)
    return media_type in SHOWN_TYPES or (file.role is Role.VIDEO and media_type == "video/mp4")


async def reprocess(request: Request) -> Response:
    """Creates jobs that process files again, after all others. One request looks at some of the files."""
    wanted = await read_body(request, Reprocess)
    selection = Selection(types=wanted.types, missing=wanted.missing, since=wanted.since)
    done = await context(request).services.processing.reprocess(
        selection, wishes_of(wanted.recipe, wanted.on_processing_error), wanted.after
    )
    return json_response(Reprocessed(jobs=len(done.jobs), next=done.after))


async def delete(request: Request) -> Response:
    """Removes a file from the catalogue. A worker deletes its object later, so that downloads in progress can end."""
    file = await _file(request)
    if not principal_of(request).acts_on(file.owner):
        raise Forbidden("Only its owner, operators and admins delete a file.")
    async with context(request).services.database.begin() as connection:
        await mark_gone(connection, file.id, GoneReason.DELETED)
    request.state.subject = str(file.id)
    return Response(None, 204)


async def _file(request: Request) -> StoredFile:
    """The file of the path, if the caller may read it. Raises `InvalidRequest`, `FileNotFound`, `FileGone`."""
    text = request.path_params["id"]
    if re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) is None:
        raise invalid("id", "must be the id of a file", text)
    if principal_of(request).grant is not None:
        raise Forbidden("A grant names its files. It shows no others.")
    reader = reader_of(request)
    async with context(request).services.database.reading() as connection:
        file = (await find_files(connection, [int(text)])).get(int(text))
    if file is None or (reader is not None and not reader.may_read(file.owner, file.visibility, file.groups)):
        raise FileNotFound(f"There is no file {text} in the catalogue.")
    if file.gone is not None:
        raise FileGone(f"File {file.id} was removed: {file.gone}.")
    if not file.available:
        raise FileNotFound(f"File {text} is not available.")
    return file
