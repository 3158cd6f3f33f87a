"""Files are found by the words of their texts: by those who may read them, as long as they are available, by an index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest

from jobs.database import Database
from jobs.files.catalogue import StoredFile, find_files, insert_file, mark_gone
from jobs.files.states import GoneReason, Role
from jobs.files.texts import MAX_INDEXED, MAX_START, Searchable, copy_text, find_searchable, insert_text, search_texts
from jobs.files.visibility import FileReader, Visibility
from jobs.services import Services
from tests.helpers.catalogue import next_id

LATE = "x " * MAX_START + "zanzibar"


async def added(services: Services, text: str | bytes, name: str = "a.pdf", **more: Any) -> int:
    """The id of a new file with this text."""
    content = text.encode() if isinstance(text, str) else text
    async with services.database.begin() as connection:
        files = [
            StoredFile(
                id=await next_id(connection),
                key=f"key-{role}-{name}",
                name=name,
                size=len(content),
                etag=None,
                crc32=None,
                sha256=None,
                content_type="application/pdf",
                owner="olga",
                role=role,
                **more,
            )
            for role in (Role.ORIGINAL, Role.TEXT)
        ]
        original, of_text = files[0], replace(files[1], parent_id=files[0].id)
        await insert_file(connection, original)
        await insert_file(connection, of_text)
        await insert_text(connection, of_text, content)
    return original.id


async def ids(services: Services, words: str, name: str | None = None, **more: Any) -> Sequence[int]:
    reader = more.pop("reader", None)
    return [one.file.id for one in await search_texts(services.database, reader, words, name, 0, 100, **more)]


async def test_files_are_found_as_in_a_search_engine(services: Services) -> None:
    lease = await added(services, "The lease of the HOUSE in Zürich\fends in May.\n", "contracts/lease.pdf")
    letter = await added(services, "A letter about the house, and a lease of life.", "letter.pdf")
    for words, wanted in (
        ("house", [lease, letter]),
        ("HOUSE lease", [lease, letter]),
        ("house may", [lease]),
        ("zürich", [lease]),
        ('"lease of life"', [letter]),
        ('"lease of the house"', [lease]),
        ("zürich or letter", [lease, letter]),
        ("house -letter", [lease]),
        ("hous", []),
        ("boat", []),
        ("", []),
        ("-", []),
        ('"', []),
        ("' OR 1=1 --", []),
        ("\\ & | ! <-> :*", []),
    ):
        assert await ids(services, words) == wanted, words
    assert await ids(services, "house", "LETTER") == [letter]
    assert await ids(services, "house", "%") == []
    assert await ids(services, "house", role=Role.ORIGINAL) == [lease, letter]
    assert await ids(services, "house", role=Role.TEXT) == []
    assert await ids(services, "house", parent_id=lease) == []


async def test_matches_come_by_pages_in_the_order_of_the_list(services: Services) -> None:
    wanted = [await added(services, f"house number {n}", f"{n}.pdf") for n in range(7)]
    found: list[int] = []
    while page := await search_texts(services.database, None, "house", None, found[-1] if found else 0, 3):
        assert len(page) <= 3
        found += [one.file.id for one in page]
    assert found == wanted


async def test_a_snippet_is_plain_text_around_the_words(services: Services) -> None:
    await added(services, "filler " * 500 + "under the\n\n silver spoon < the fork " + "filler " * 500)
    [one] = await search_texts(services.database, None, "silver spoon", None, 0, 10)
    assert one.snippet is not None
    assert "filler under the silver spoon < the fork filler" in one.snippet
    assert len(one.snippet) < 400


async def test_words_behind_the_start_are_found_without_a_snippet(services: Services) -> None:
    await added(services, LATE)
    [one] = await search_texts(services.database, None, "zanzibar", None, 0, 10)
    assert one.snippet is None


async def test_only_those_who_may_read_a_file_find_its_text(services: Services) -> None:
    public = await added(services, "house", "public.pdf")
    shared = await added(services, "house", "shared.pdf", visibility=Visibility.SHARED, groups=("team",))
    private = await added(services, "house", "private.pdf", visibility=Visibility.PRIVATE)
    for reader, wanted in (
        (None, [public, shared, private]),
        (FileReader(owner="olga"), [public, shared, private]),
        (FileReader(owner="gerd", groups=frozenset({"team"})), [public, shared]),
        (FileReader(owner="otto", groups=frozenset({"others"})), [public]),
    ):
        assert await ids(services, "house", reader=reader) == wanted


async def test_a_text_is_found_as_long_as_it_and_its_file_are_available(services: Services) -> None:
    kept, deleted, replaced = [await added(services, "house", f"{n}.pdf") for n in range(3)]
    async with services.database.begin() as connection:
        await mark_gone(connection, deleted, GoneReason.DELETED)
    query = "UPDATE stored_files SET available = false WHERE parent_id = $1"
    await services.database.fetch(query, replaced)
    assert await ids(services, "house") == [kept]
    assert await find_searchable(services.database, kept) is Searchable.WHOLE
    assert await find_searchable(services.database, replaced) is None


@pytest.mark.parametrize("text", [b"a\0b \xff\xfe house", b"house " + b"\xe2\x82", "h" * 3000 + " house"])
async def test_whatever_a_decoder_has_written_is_indexed(services: Services, text: str | bytes) -> None:
    file_id = await added(services, text)
    assert await ids(services, "house") == [file_id]


async def test_of_a_long_text_the_start_is_found_and_the_file_says_so(services: Services) -> None:
    long = await added(services, "house " + "of bricks " * (MAX_INDEXED // 10) + "zanzibar", "long.pdf")
    many = await added(services, "house " + " ".join(f"w{n:07x}" for n in range(MAX_INDEXED // 9)), "many words.pdf")
    exact = await added(services, ("house " * MAX_INDEXED)[: MAX_INDEXED - 9] + " zanzibar", "exact.pdf")
    assert await ids(services, "house") == [long, many, exact]
    assert await ids(services, "zanzibar") == [exact]
    assert await find_searchable(services.database, long) is Searchable.START
    assert await find_searchable(services.database, many) is Searchable.START
    assert await find_searchable(services.database, exact) is Searchable.WHOLE
    assert await ids(services, "w0000001 w0000abc") == [many]


async def test_a_search_reads_the_index_of_words(services: Services) -> None:
    connection = await asyncpg.connect(str(services.settings.database_url))
    try:
        await connection.execute(
            """
            INSERT INTO stored_files (id, key, name, size, owner, role, parent_id)
            SELECT n, 'files/' || n, n || '.pdf', 1, 'olga', CASE n % 2 WHEN 0 THEN 'original' ELSE 'text' END,
                CASE n % 2 WHEN 1 THEN n - 1 END
            FROM generate_series(20000, 27999) AS n;
            INSERT INTO file_texts (file_id, parent_id, words, start, is_whole)
            SELECT n, n - 1, to_tsvector('simple', 'the house number ' || n), repeat('x ', 500), true
            FROM generate_series(20001, 27999, 2) AS n;
            ANALYZE stored_files, file_texts
            """
        )
    finally:
        await connection.close()
    explained = _Explained(services.database)
    found = await search_texts(cast(Database, explained), None, "house 27001", None, 0, 50, role=Role.ORIGINAL)
    assert [one.file.id for one in found] == [27000]
    assert "file_texts_words" in explained.plans[0]
    assert "Seq Scan" not in explained.plans[0], explained.plans[0]


class _Explained:
    """A database that keeps the plans of its statements."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.plans: list[str] = []

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        rows = await self._database.fetch(f"EXPLAIN {query}", *arguments)
        self.plans.append("\n".join(row[0] for row in rows))
        return await self._database.fetch(query, *arguments)


async def test_a_text_of_the_same_content_is_indexed_without_being_read(services: Services) -> None:
    first, second = await added(services, "house", "1.pdf"), await added(services, "boat", "2.pdf")
    texts = {row["parent_id"]: row for row in await services.database.fetch("SELECT * FROM file_texts")}
    await services.database.fetch("DELETE FROM file_texts WHERE parent_id = $1", second)
    async with services.database.begin() as connection:
        file = (await find_files(connection, [texts[second]["file_id"]]))[texts[second]["file_id"]]
        await copy_text(connection, texts[first]["file_id"], file)
    assert await ids(services, "house") == [first, second]
