"""The texts of files, by whose words the files are found. Each is that of one file of the catalogue with the role `text`.

What is indexed goes with the object of that file. It is a part of the content, so it is for those who may read that.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.files.catalogue import StoredFile, choice_of, chosen_files, stored_file_of
from jobs.files.states import Role
from jobs.files.visibility import FileReader

MAX_INDEXED = 1 << 20
"""Bytes of a text whose words are indexed, in UTF-8: the first. Of a text with few repetitions, PostgreSQL takes fewer."""
MAX_START = 16_000
"""Characters of a text, the first, of which snippets are made."""


class Searchable(StrEnum):
    """How much of the text of a file can be searched."""

    WHOLE = "whole"
    START = "start"
    """Its first megabyte, or less if it has very many different words."""


@dataclass(frozen=True, slots=True)
class TextMatch:
    """A file whose text has the words, and a part of that text with some of them, if its start has them."""

    file: StoredFile
    snippet: str | None


async def insert_text(connection: AsyncConnection, file: StoredFile, text: bytes) -> None:
    """Indexes the words of a text, whose file was added in this transaction. `text`: its first bytes, or all.

    What is not UTF-8 is replaced, and so is what PostgreSQL cannot store.
    """
    start = text[:MAX_INDEXED].decode(errors="replace").replace("\0", " ")
    await fetch_within(connection, _INSERT, file.id, file.parent_id, start, MAX_START, file.size <= MAX_INDEXED)


_INSERT = """
    INSERT INTO file_texts (file_id, parent_id, words, start, is_whole)
    SELECT $1, $2, words, left($3, $4), $5 AND length = char_length($3) FROM file_text_words($3)
"""


async def copy_text(connection: AsyncConnection, source_id: int, file: StoredFile) -> None:
    """Indexes a text, whose file was added in this transaction, as that of another file with the same content."""
    await fetch_within(connection, _COPY, source_id, file.id, file.parent_id)


_COPY = """
    INSERT INTO file_texts (file_id, parent_id, words, start, is_whole)
    SELECT $2, $3, words, start, is_whole FROM file_texts WHERE file_id = $1
"""


async def delete_texts(connection: AsyncConnection, file_ids: Collection[int]) -> None:
    """Removes texts from the index, in the transaction which records that their objects were removed."""
    await fetch_within(connection, "DELETE FROM file_texts WHERE file_id = ANY ($1::bigint[])", list(file_ids))


async def find_searchable(database: Database, parent_id: int) -> Searchable | None:
    """How much of the text of a file can be searched; None if it has none that is indexed."""
    rows = await database.fetch(f"SELECT is_whole {_AVAILABLE} WHERE t.parent_id = $1", parent_id)
    return None if not rows else Searchable.WHOLE if rows[0]["is_whole"] else Searchable.START


_AVAILABLE = "FROM file_texts AS t JOIN stored_files AS own ON own.id = t.file_id AND own.available"


async def search_texts(
    database: Database,
    reader: FileReader | None,
    words: str,
    name: str | None,
    after: int,
    limit: int,
    *,
    role: Role | None = None,
    parent_id: int | None = None,
) -> list[TextMatch]:
    """The files whose text has the words, ordered by id, after the cursor `after`.

    `words` is what people write in search engines: all words must be there, but `"quoted words"` side by side, one of those
    that are joined by `or`, and none with a minus before it. `name` must be in the name of the file. The others are as in
    `list_files`.
    """
    choice = choice_of(reader, parent_id)
    condition = chosen_files(role, 5, everything=reader is None, of_parent=parent_id is not None)
    rows = await database.fetch(_SEARCH.format(chosen=condition), after, limit, words, name or None, *choice)
    files = [stored_file_of(row) for row in rows]
    found = await database.fetch(_SNIPPETS, [file.id for file in files], words) if files else []
    snippets = {row["parent_id"]: " ".join(row["snippet"].split()) for row in found}
    return [TextMatch(file, snippets.get(file.id)) for file in files]


# MATERIALIZED: without it, PostgreSQL may look through the texts of all files in the order of their ids.
_SEARCH = f"""
    WITH found AS MATERIALIZED (
        SELECT t.parent_id {_AVAILABLE} WHERE t.words @@ websearch_to_tsquery('simple', $3)
    )
    SELECT * FROM stored_files
    WHERE {{chosen}} AND id > $1 AND id IN (SELECT parent_id FROM found)
        AND ($4::text IS NULL OR strpos(lower(name), lower($4)) > 0)
    ORDER BY id LIMIT $2
"""  # noqa: S608 - ours
_SNIPPETS = f"""
    SELECT t.parent_id,
        ts_headline('simple', t.start, query, 'StartSel="", StopSel="", MaxFragments=1, MaxWords=25') AS snippet
    {_AVAILABLE}, websearch_to_tsquery('simple', $2) AS query
    WHERE t.parent_id = ANY ($1::bigint[]) AND to_tsvector('simple', t.start) @@ query
    ORDER BY t.file_id
"""
