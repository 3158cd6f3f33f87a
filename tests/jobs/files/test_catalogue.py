"""The catalogue: a search finds every name that contains the term, and reads few rows to do so."""

from __future__ import annotations

from typing import Any, cast
from unicodedata import normalize

import asyncpg
import pytest

from jobs.database import Database
from jobs.files.catalogue import list_files
from jobs.files.tables import BUCKET_BITS
from jobs.services import Services

FILLERS = 3_000
"""Files before all others. A search reads no more than the first thousand in their order."""
BUCKET = 1 << BUCKET_BITS
NAMES = [
    "Annual report.pdf",
    "annual REPORT (2).pdf",
    "100%.txt",
    "a_b.txt",
    "aXb.txt",
    "it's & 'quoted':*|!().txt",
    "sla/sh and 7z",
    "GRÜSSE an Ärzte.txt",
    "отчёт ДАННЫЕ",
    "資料會議.txt",
    "family 👩‍👩‍👧.jpg",
    "caf\u00e9",
    "x" * 200 + "needle" + "y" * 200,
    "z",
    *(f"same name {n}" for n in range(60)),
]
TERMS = [
    "report",
    "REPORT (2)",
    "annual report.pdfs",
    "ort.pdf",
    "t.pdf",
    ".pdf",
    "t.p",
    "100%",
    "%",
    "_",
    "A_B",
    "'",
    "':*|!(",
    "&",
    " ",
    "/",
    "\\",
    "7z",
    "Z",
    "q",
    "qq",
    "grüsse",
    "ÜSS",
    "ä",
    "данные",
    "Ё",
    "會議",
    "料",
    "👩",
    "cafe\u0301",
    "xneedley",
    "x" * 199 + "NEEDLE" + "y" * 199,
    "x" * 201,
    "same name",
    "name 5",
    "filler 2999",
    "filler",
    "no such name",
]


class Explained:
    """Counts the rows of files that statements read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.rows = 0

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        [row] = await self._database.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments)
        self._count(row[0][0]["Plan"])
        return await self._database.fetch(query, *arguments)

    def _count(self, node: dict[str, Any]) -> None:
        if node.get("Relation Name") == "stored_files":
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            self.rows += int((read + node.get("Rows Removed by Index Recheck", 0)) * node["Actual Loops"])
        for child in node.get("Plans", ()):
            self._count(child)


@pytest.fixture
async def ids(services: Services) -> dict[int, str]:
    """The names of the catalogue by id: many fillers, then `NAMES`, each in a bucket of its own."""
    names = {10_000 + n: f"filler {n}" for n in range(FILLERS)}
    names |= {10_000 + (n + 1) * BUCKET: name for n, name in enumerate(NAMES)}
    connection = await asyncpg.connect(str(services.settings.database_url))
    try:
        rows = [(file_id, f"files/{file_id}", name, 1, "anonymous") for file_id, name in names.items()]
        await connection.copy_records_to_table(
            "stored_files", columns=["id", "key", "name", "size", "owner"], records=rows
        )
        await connection.execute("ANALYZE stored_files")
    finally:
        await connection.close()
    return names


async def search(database: Database, term: str, limit: int, after: int = 0) -> list[int]:
    return [file.id for file in await list_files(database, None, term, after, limit)]


async def test_a_term_finds_all_names_that_contain_it_by_pages_and_in_order(
    services: Services, ids: dict[int, str]
) -> None:
    for term in TERMS:
        folded = normalize("NFC", term).lower()
        wanted = [file_id for file_id, name in ids.items() if folded in name.lower()]
        assert await search(services.database, term, 10_000) == wanted, term
        found: list[int] = []
        while page := await search(services.database, term, 7, found[-1] if found else 0):
            found += page
            if len(found) > 100:
                wanted = wanted[: len(found)]
                break
        assert found == wanted, term


async def test_a_search_reads_a_thousand_files_in_their_order_and_then_only_what_may_match(
    services: Services, ids: dict[int, str]
) -> None:
    for term in ("no such name", "qq", "q", "needle", "(2)", "same name", "name 5", "filler 2999", "filler 29", "料"):
        explained = Explained(services.database)
        found = await search(cast(Database, explained), term, 1_000)
        assert len(found) == sum(term in name.lower() for name in ids.values())
        assert explained.rows <= 1_000 + 3 * len(found), term


async def test_a_term_that_many_names_contain_reads_only_the_first_of_them(
    services: Services, ids: dict[int, str]
) -> None:
    explained = Explained(services.database)
    assert await search(cast(Database, explained), "filler", 51) == list(ids)[:51]
    assert explained.rows <= 1_000


async def test_a_term_is_looked_up_by_pieces_side_by_side_without_its_extension(services: Services) -> None:
    pieces = {
        "Report.PDF": "'rep' & 'ort'",
        "a.pdf": "'a.p' & 'pdf'",
        "photos/a.b": "'pho' & 'tos' & 's/a'",
        "Ab": "'ab':*",
        "'s": "'''s':*",
        "ABC": "'abc'",
    }
    for term, wanted in pieces.items():
        [row] = await services.database.fetch("SELECT CAST(file_name_query($1) AS text) AS pieces", term)
        assert row["pieces"] == wanted
