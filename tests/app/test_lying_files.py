"""Files of two types, and files that are not what their name says: what is detected, what is made, what browsers get."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import httpx
import pytest

from jobs.services import Services
from tests.helpers.bundles import stored
from tests.helpers.jobs import ended
from tests.helpers.media import encoded, photo
from tests.helpers.pdfs import pdf
from tests.helpers.uploads import completed, files_of
from tests.helpers.videos import video

SCRIPT = b"<script>alert(1)</script>"
HTML = b"<!DOCTYPE html><html>" + SCRIPT + b"</html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">' + SCRIPT + b"</svg>"
JPEG, PNG, GIF = (encoded(photo(), f"image/{name}") for name in ("jpeg", "png", "gif"))
GIF_OF_TEXT = b"GIF89a=1;" + SCRIPT


def commented(jpeg: bytes, comment: bytes) -> bytes:
    """A JPEG with a comment behind its first marker."""
    return jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def with_archive(content: bytes, folder: Path) -> bytes:
    """The content with a ZIP behind it, which programs for ZIP open."""
    path = folder / "both"
    path.write_bytes(content)
    with ZipFile(path, "a", ZIP_DEFLATED) as archive:
        archive.writestr("page.html", HTML)
    return path.read_bytes()


async def uploaded(api: httpx.AsyncClient, services: Services, data: bytes, name: str, **more: Any) -> dict[str, Any]:
    """The status of an upload once it has ended."""
    return await ended(api, f"/v1/upload/status/{(await completed(services, data, name, **more)).id}")


async def fetched(api: httpx.AsyncClient, file_id: int) -> httpx.Response:
    """What a browser gets for an `<img>` of the file."""
    answer = await api.get(f"/v1/files/{file_id}/content")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (302, "nosniff")
    async with httpx.AsyncClient() as browser:
        return (await browser.get(answer.headers["location"])).raise_for_status()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("page.png", HTML),
        ("drawing.png", SVG),
        ("picture.pdf", PNG),
        ("film.jpg", None),
        ("page.html", JPEG + HTML),
        ("archive.zip", GIF),
        ("script.js", GIF + b"*/alert(1)"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_file_that_is_not_what_its_name_says_is_refused_and_nothing_is_left_of_it(
    api: httpx.AsyncClient, services: Services, worker: None, tmp_path: Path, name: str, data: bytes | None
) -> None:
    del worker
    content = video(tmp_path / "film.mp4").read_bytes() if data is None else data
    job = await completed(services, content, name)
    upload = await ended(api, f"/v1/upload/status/{job.id}")
    assert (upload["status"], upload["error"]["class"], upload["processing"]) == ("failed", "validation", None)
    assert "Send it under the name and type that it has." in upload["error"]["message"]
    assert await files_of(services, job.id) == []
    assert (await api.get("/v1/files?role=any")).json()["files"] == []


@pytest.mark.parametrize(
    ("name", "data", "content_type", "outputs"),
    [
        ("script.gif", GIF + b"/*" + SCRIPT + b"*/", "image/gif", 2),
        ("comment.jpg", commented(JPEG, HTML), "image/jpeg", 2),
        ("behind.jpg", JPEG + HTML, "image/jpeg", 2),
        ("archive.pdf", pdf(1), "application/pdf", 3),
        ("archive.png", PNG, "image/png", 2),
        ("page.pdf", HTML + pdf(1), "application/pdf", 3),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_a_file_of_two_types_is_shown_as_the_one_detected_and_its_outputs_have_nothing_of_the_other(
    api: httpx.AsyncClient,
    services: Services,
    worker: None,
    tmp_path: Path,
    name: str,
    data: bytes,
    content_type: str,
    outputs: int,
) -> None:
    del worker
    both = with_archive(data, tmp_path) if name.startswith("archive") else data
    upload = await uploaded(api, services, both, name)
    assert upload["status"] == "completed", upload
    processing = await ended(api, f"/v1/download/job/{upload['processing']['jobId']}")
    assert [file["status"] for file in processing["files"]] == ["done"] * outputs, processing
    shown = await fetched(api, upload["upload"]["fileId"])
    assert shown.content == both
    assert shown.headers["content-type"] == content_type
    assert shown.headers["content-disposition"] == f'inline; filename="{name}"'
    for derivative in await services.processing.derivatives(upload["upload"]["fileId"]):
        made = await stored(services.storage, derivative.file.key)
        assert derivative.file.content_type in {"image/webp", "text/plain; charset=utf-8"}
        assert not any(mark in made for mark in (b"alert", b"<html", b"PK\x03\x04"))


@pytest.mark.parametrize(
    ("name", "declared", "data", "content_type", "disposition"),
    [
        ("drawing.svg", None, SVG, "image/svg+xml", "attachment"),
        ("drawing", "image/svg+xml", SVG, "image/svg+xml", "attachment"),
        ("page.html", None, HTML, "text/html", "attachment"),
        ("page.txt", "text/html", HTML, "text/html", "attachment"),
        ("page.html", "text/plain", HTML, "text/plain", "inline"),
        ("page", "application/xhtml+xml", HTML, "application/xhtml+xml", "attachment"),
        ("page", "text/html; charset=utf-7", HTML, "text/html; charset=utf-7", "attachment"),
        ("page.unknown", None, HTML, "application/octet-stream", "attachment"),
        ("script.js", None, b"alert(1)", "text/javascript", "attachment"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_what_could_run_scripts_is_stored_and_never_processed_or_shown(
    api: httpx.AsyncClient,
    services: Services,
    worker: None,
    name: str,
    declared: str | None,
    data: bytes,
    content_type: str,
    disposition: str,
) -> None:
    """As text, a browser shows the source of a page."""
    del worker
    upload = await uploaded(api, services, data, name, content_type=declared)
    assert (upload["status"], upload["processing"]) == ("completed", None)
    saved = await fetched(api, upload["upload"]["fileId"])
    assert saved.content == data
    assert saved.headers["content-type"] == content_type
    assert saved.headers["content-disposition"].startswith(f"{disposition};")


async def test_a_script_that_begins_as_a_gif_is_an_image_that_can_not_be_decoded(
    api: httpx.AsyncClient, services: Services, worker: None
) -> None:
    """Browsers run no script that comes as an image."""
    del worker
    upload = await uploaded(api, services, GIF_OF_TEXT, "script.js")
    processing = await ended(api, f"/v1/download/job/{upload['processing']['jobId']}")
    assert {file["status"] for file in processing["files"]} == {"failed"}
    assert all(file["error"]["message"] for file in processing["files"])
    assert (await fetched(api, upload["upload"]["fileId"])).headers["content-type"] == "image/gif"
