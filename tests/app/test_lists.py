"""GET /v1/download/jobs and /v1/download/files: pages, filters, search."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import event

from jobs.bundles import commands
from jobs.owners import ANONYMOUS
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead

JOBS, FILES = "/v1/download/jobs", "/v1/download/files"


async def walk(api: httpx.AsyncClient, path: str, of: str) -> tuple[list[list[Any]], list[httpx.Response]]:
    """All pages, by their `Link` headers."""
    pages, answers = [], []
    following: str | None = path
    while following:
        answer = await api.get(following)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()[of])
        answers.append(answer)
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["nextCursor"] is None) == (following is None)
    return pages, answers


async def test_jobs_are_listed_newest_first_by_pages_and_status(api: httpx.AsyncClient, services: Services) -> None:
    assert (await api.get(JOBS)).json() == {"jobs": [], "nextCursor": None}
    jobs = [await create(services, 10_000) for _ in range(5)]
    await services.lifecycle.cancel(jobs[1].id)
    newest_first = [str(job.id) for job in reversed(jobs)]
    pages, answers = await walk(api, f"{JOBS}?limit=2", "jobs")
    assert [[job["jobId"] for job in page] for page in pages] == [
        newest_first[:2],
        newest_first[2:4],
        newest_first[4:],
    ]
    assert answers[0].headers["cache-control"] == "private, no-cache"
    assert [len(page) for page in (await walk(api, f"{JOBS}?limit=5", "jobs"))[0]] == [5]
    pages, answers = await walk(api, f"{JOBS}?status=queued&limit=3", "jobs")
    queued = [job["jobId"] for page in pages for job in page]
    assert queued == [job_id for job_id in newest_first if job_id != str(jobs[1].id)]
    assert "status=queued" in answers[0].headers["link"]
    [cancelled] = (await api.get(f"{JOBS}?status=cancelled")).json()["jobs"]
    assert (cancelled["jobId"], cancelled["filesTotal"]) == (str(jobs[1].id), 1)
    assert cancelled["links"]["self"] == f"/v1/download/job/{jobs[1].id}"


async def test_pages_are_stable_when_new_jobs_arrive(api: httpx.AsyncClient, services: Services) -> None:
    old = [await create(services, 10_000) for _ in range(2)]
    cursor = (await api.get(f"{JOBS}?limit=1")).json()["nextCursor"]
    await create(services, 10_000)
    page = (await api.get(JOBS, params={"limit": 1, "cursor": cursor})).json()
    assert [job["jobId"] for job in page["jobs"]] == [str(old[0].id)]
    assert page["nextCursor"] is None


async def test_the_catalogue_is_listed_by_id_in_pages(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    ids = [await catalogue.add(b"12", f"{n}.txt", content_type="text/plain") for n in range(3)]
    pages, _ = await walk(api, f"{FILES}?limit=2", "files")
    assert [[file["id"] for file in page] for page in pages] == [ids[:2], ids[2:]]
    first = pages[0][0]
    assert first.pop("createdAt").endswith("Z")
    assert len(first.pop("sha256")) == 64
    origin = {"role": "original", "parentId": None, "thumbnailId": None, "snippet": None}
    content = {"size": 2, "crc32": "4f5344cd", "contentType": "text/plain"}
    assert first == {"id": ids[0], "name": "0.txt", **content, **origin}


NAMES = ["100%.txt", "100 percent.txt", "a_b.txt", "aXb.txt", "back\\slash", "sla/sh", "GRÜSSE & more.txt"]


async def test_the_catalogue_is_searched_by_plain_text(api: httpx.AsyncClient, catalogue: Catalogue) -> None:
    for name in NAMES:
        await catalogue.add(b"", name)
    searches = {
        "": NAMES,
        "%": [NAMES[0]],
        "_": [NAMES[2]],
        "A_B": [NAMES[2]],
        "\\": [NAMES[4]],
        "/": [NAMES[5]],
        "grüsse & M": [NAMES[6]],
        ".TXT": [name for name in NAMES if name.endswith(".txt")],
        "'; DROP TABLE stored_files; --": [],
    }
    found = {}
    for search in searches:
        page = (await api.get(FILES, params={"q": search})).json()
        found[search] = [file["name"] for file in page["files"]]
    assert found == searches
    await catalogue.add(b"", "this & that")
    pages, answers = await walk(api, f"{FILES}?q=%20%26%20&limit=1", "files")
    assert [[file["name"] for file in page] for page in pages] == [[NAMES[6]], ["this & that"]]
    assert "q=+%26+" in answers[0].headers["link"]


async def test_a_page_has_fifty_items_by_default(api: httpx.AsyncClient, services: Services) -> None:
    for _ in range(51):
        await create(services, 10_000)
    assert [len(page) for page in (await walk(api, JOBS, "jobs"))[0]] == [50, 1]
    assert [len(page) for page in (await walk(api, f"{JOBS}?limit=200", "jobs"))[0]] == [51]


async def test_a_job_is_called_by_its_archive_or_by_its_first_file(
    api: httpx.AsyncClient, catalogue: Catalogue
) -> None:
    first, second = await catalogue.add(b"1", "guides/Read me first.txt"), await catalogue.add(b"2", "b.txt")
    hostile = await catalogue.add(b"3", "..\\\u202egnp.exe\n")
    requests: dict[str, dict[str, Any]] = {
        "order 4711.zip": {"file_ids": [first], "archiveName": "order 4711"},
        "Read me first.txt": {"file_ids": [first]},
        "Read me first.txt and 1 more": {"file_ids": [first, second]},
        "b.txt and 2 more": {"file_ids": [second, first, 99_999]},
        "as requested.txt and 1 more": {
            "files": [{"file_id": first, "name": "x/as requested.txt"}, {"file_id": second}]
        },
        "99999.zip and 1 more": {"file_ids": [99_999, first]},
        "gnp.exe_": {"file_ids": [hostile]},
    }
    called = {}
    for title, body in requests.items():
        accepted = (await api.post("/v1/download/initiate", json=body)).json()
        called[title] = (await api.get(accepted["links"]["self"])).json()["title"]
    assert called == {title: title for title in requests}
    assert [job["title"] for job in (await api.get(JOBS)).json()["jobs"]] == list(reversed(requests))


async def test_a_title_counts_the_other_files(services: Services) -> None:
    job = await create(services, *range(10_000, 11_000), archive_name=None)
    assert (await services.downloads.read(job.id)).title == "10000.zip and 999 more"


async def test_jobs_are_filtered_by_several_statuses(api: httpx.AsyncClient, services: Services) -> None:
    jobs = [await create(services, 10_000) for _ in range(6)]
    await services.lifecycle.cancel(jobs[1].id)
    failed = await dead(services)
    pages, answers = await walk(api, f"{JOBS}?status=cancelled,failed&limit=1", "jobs")
    assert [[job["jobId"] for job in page] for page in pages] == [[str(failed.id)], [str(jobs[1].id)]]
    assert "status=cancelled%2Cfailed" in answers[0].headers["link"]
    pages, _ = await walk(api, f"{JOBS}?status=queued,cancelled,queued&limit=4", "jobs")
    assert [job["jobId"] for page in pages for job in page] == [str(job.id) for job in reversed(jobs)]
    refused = await api.get(f"{JOBS}?status=queued,sleeping")
    assert refused.status_code == 400
    assert [one["field"] for one in refused.json()["errors"]] == ["status"]


async def test_jobs_are_searched_by_name(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request compares the names of a bounded number of jobs; `nextCursor` goes on behind them."""
    monkeypatch.setattr(commands, "SEARCHED", 3)
    named = [await create(services, 10_000, archive_name=name) for name in ("GRÜSSE_1.zip", "a%.zip", "grüsse 2.zip")]
    file = await create(services, await catalogue.add(b"", "Grüsse in a file.txt"), 10_000, archive_name=None)
    for _ in range(3):
        await create(services, 10_000, archive_name="other.zip")
    pages, answers = await walk(api, f"{JOBS}?q=grüsse&limit=2", "jobs")
    assert [[job["jobId"] for job in page] for page in pages] == [
        [],
        [str(file.id), str(named[2].id)],
        [str(named[0].id)],
    ]
    assert "q=gr%C3%BCsse" in answers[0].headers["link"]
    statements: list[str] = []
    event.listen(
        services.database.engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2])
    )
    await services.downloads.search(ANONYMOUS, [], "grüsse", None, 2)
    assert len(statements) == 1, "the jobs found and the cursor behind them are of the same moment"
    await services.lifecycle.cancel(named[0].id)
    for search, found in {"E_": named[0], "%": named[1], "grüsse&status=cancelled": named[0]}.items():
        pages, _ = await walk(api, f"{JOBS}?q={search.replace('%', '%25')}", "jobs")
        assert [job["jobId"] for page in pages for job in page] == [str(found.id)], search
