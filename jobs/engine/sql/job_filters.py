"""Finds the jobs that a `JobFilter` means, newest first, and counts them: for operators, over all owners.

Every condition but the text is met by an index (`jobs_of_all`, or those of an owner's list), of which the newest jobs of
each kind and status are merged. A text is first looked for among the next `WINDOW` jobs, which finds a page of what is
common at once. What is rare is found by the search indexes, which know all jobs but no order. Only a text that is in more
than `FEW` jobs, and seldom in the newest ones, takes several pages that are not full.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    Text,
    Uuid,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY

from jobs.database import Database
from jobs.engine.job_filters import JobFilter
from jobs.engine.job_ids import first_id
from jobs.engine.jobs import UNKNOWN_FILE, Status
from jobs.engine.sql.tables import VISIBLE, file_records, jobs
from jobs.errors import ErrorClass
from jobs.kinds import Kind
from jobs.replica_reads import ReplicaReads

Position = tuple[datetime, UUID]
"""The creation and the id of a job: its place in a list that is newest first."""

WINDOW = 2_000
"""Jobs among which a text is looked for without the search indexes."""
FEW = 10_000
"""Jobs that one index may find so that all are read and sorted."""
FILES = 1_000
"""Files of the catalogue whose name has the text, the oldest first, by which jobs are found."""
CLOCKS_DIFFER = timedelta(hours=1)
"""How far the time in a job's id, a gateway's, may be from that of its creation, the database's."""


@dataclass(frozen=True, slots=True)
class FoundJobs:
    """A page of jobs. With `following`, there may be more after that position, even if this page is not full."""

    jobs: Sequence[Position]
    following: Position | None


class JobFinder:
    """Finds and counts jobs. Its calls raise `DatabaseUnavailable`."""

    def __init__(
        self,
        reads: ReplicaReads,
        names: Sequence[Table],
        file_ids: Callable[[Database, str, int], Awaitable[Sequence[int]]],
        *,
        window: int = WINDOW,
        few: int = FEW,
    ) -> None:
        """`names` are the tables of the kinds, with `job_id` and the `name` of each job, which its title is made of.

        `file_ids(database, text, limit)` returns the files of the catalogue whose name contains the text.
        """
        self._window = window
        self._few = few
        self._reads = reads
        self._names = names
        self._file_ids = file_ids

    async def page(self, wanted: JobFilter, before: Position | None, limit: int) -> FoundJobs:
        """The next jobs, up to `limit`, newest first, after the position `before`."""
        return await self._reads.run(lambda database: self._page(database, wanted, before, limit))

    async def _page(self, database: Database, wanted: JobFilter, before: Position | None, limit: int) -> FoundJobs:
        if not wanted.matched_statuses:
            return FoundJobs([], None)
        if not wanted.text:
            found = await self._fetch(database, _newest(wanted, before, limit + 1))
            return _page_of(found, limit)
        search = await self._search(database, wanted)
        is_id = search.id_range is not None  # which few jobs have: none of them needs to be the newest
        if is_id and await self._count(database, search.most(self._few + 1)) <= self._few:
            return _page_of(await self._fetch(database, search.sorted(wanted, before, limit + 1)), limit)
        window = await self._fetch(database, _newest(wanted, before, self._window))
        matching = await self._fetch(database, search.among(window)) if window else []
        if len(matching) > limit or len(window) < self._window:
            return _page_of(matching, limit)
        if not is_id and await self._count(database, search.most(self._few + 1)) <= self._few:
            return _page_of(await self._fetch(database, search.sorted(wanted, before, limit + 1)), limit)
        return FoundJobs(matching, window[-1])

    async def count(self, wanted: JobFilter) -> dict[Status, int]:
        """How many there are, by status. With a common text it may take a second for each million jobs."""
        return await self._reads.run(lambda database: self._count_by_status(database, wanted))

    async def _count_by_status(self, database: Database, wanted: JobFilter) -> dict[Status, int]:
        if not wanted.matched_statuses:
            return {}
        query = select(jobs.c.status, func.count()).where(*_conditions(wanted)).group_by(jobs.c.status)
        if wanted.text:
            query = query.where(jobs.c.id.in_((await self._search(database, wanted)).ids()))
        async with database.reading() as connection:
            return {Status(status): count for status, count in await connection.execute(query)}

    async def select_ids(self, database: Database, wanted: JobFilter) -> Select[Any]:
        """Selects the ids of all of them, in no order. The files whose names have the text are read from `database`."""
        query = select(jobs.c.id).where(*_conditions(wanted))
        return query.where(jobs.c.id.in_((await self._search(database, wanted)).ids())) if wanted.text else query

    async def _search(self, database: Database, wanted: JobFilter) -> _Search:
        term = normalize("NFC", wanted.text.strip())  # as `safe_name` does with names
        return _Search(term, wanted.id_range, self._names, await self._file_ids(database, term, FILES))

    async def _fetch(self, database: Database, query: Any) -> list[Position]:
        async with database.reading() as connection:
            return [(row.created_at, row.id) for row in await connection.execute(query)]

    async def _count(self, database: Database, query: Any) -> int:
        async with database.reading() as connection:
            return int((await connection.execute(query)).scalar_one())


def _page_of(found: Sequence[Position], limit: int) -> FoundJobs:
    """The first `limit` of jobs of which there may be more."""
    return FoundJobs(found[:limit], found[limit - 1] if len(found) > limit else None)


def still_matching(wanted: JobFilter, job_ids: Sequence[UUID]) -> Select[Any]:
    """Selects those of the jobs, by id, that meet all conditions but the text, which was compared before."""
    return (
        select(jobs)
        .where(jobs.c.id == func.any(cast(list(job_ids), ARRAY(Uuid))), *_conditions(wanted))
        .order_by(jobs.c.id)
    )


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    """All conditions but the text."""
    conditions: list[ColumnElement[bool]] = [
        text(VISIBLE),  # type: ignore[list-item] # a condition
        jobs.c.kind.in_(wanted.kinds or Kind),
        jobs.c.status.in_(wanted.matched_statuses),
    ]
    return conditions + _row_conditions(wanted)


def _row_conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    """Those that one status of one kind does not decide."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.dead:  # not as `DEAD` has it, whose index is in no order that is of use here
        conditions.append(jobs.c.error_class.in_([one for one in ErrorClass if one.retryable]))
    if wanted.owner is not None:
        conditions.append(jobs.c.owner == wanted.owner)
    if wanted.since is not None:
        conditions.append(jobs.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(jobs.c.created_at < wanted.until)
    return conditions


def _newest(wanted: JobFilter, before: Position | None, limit: int) -> Select[Any]:
    """The newest jobs after a position, whatever their text: from the index, those of each kind and status, merged."""
    kinds = func.unnest(cast(sorted(wanted.kinds or Kind), ARRAY(Text))).table_valued("kind").render_derived()
    statuses = func.unnest(cast(sorted(wanted.matched_statuses), ARRAY(Text))).table_valued("status").render_derived()
    of_each = (
        select(jobs.c.created_at, jobs.c.id)
        .where(jobs.c.kind == kinds.c.kind, jobs.c.status == statuses.c.status, text(VISIBLE))
        .where(*_row_conditions(wanted))
        .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        .limit(limit)
        .correlate(kinds, statuses)
    )
    if before is not None:
        of_each = of_each.where(tuple_(jobs.c.created_at, jobs.c.id) < tuple_(*before))
    each = of_each.lateral()
    merged = select(each.c.created_at, each.c.id).select_from(kinds).join(statuses, true()).join(each, true())
    return merged.order_by(each.c.created_at.desc(), each.c.id.desc()).limit(limit)


@dataclass(frozen=True, slots=True)
class _Search:
    """How the jobs of a text are found."""

    term: str
    id_range: tuple[UUID, UUID] | None
    names: Sequence[Table]
    file_ids: Sequence[int]

    def queries(self) -> list[Select[Any]]:
        """For each index that is searched, the ids of all jobs that it finds."""
        queries: list[Select[Any]] = [
            select(jobs.c.id).where(jobs.c.owner == self.term),
            select(jobs.c.id).where(self._indexed(jobs.c.error_message), self._contains(jobs.c.error_message)),
            *(
                select(table.c.job_id).where(self._indexed(table.c.name), self._contains(table.c.name))
                for table in self.names
            ),
        ]
        if self.id_range is not None:
            queries.append(select(jobs.c.id).where(jobs.c.id.between(*self.id_range)))
        if self.file_ids:
            queries.append(select(file_records.c.job_id).where(self._has_file()))
        return queries

    def ids(self) -> CompoundSelect[Any]:
        """The ids of all jobs that have the text."""
        return union(*self.queries())

    def most(self, limit: int) -> Select[Any]:
        """How many jobs the index that finds most of them finds, counting no further than `limit`."""
        counts = (select(func.count()).select_from(query.limit(limit).subquery()) for query in self.queries())
        return select(func.greatest(*(count.scalar_subquery() for count in counts)))

    def sorted(self, wanted: JobFilter, before: Position | None, limit: int) -> Select[Any]:
        """Those of them that meet all conditions, newest first, after a position."""
        ids = self.ids().cte("ids").prefix_with("MATERIALIZED", dialect="postgresql")
        query = select(jobs.c.created_at, jobs.c.id).join(ids, ids.c[0] == jobs.c.id).where(*_conditions(wanted))
        if before is not None:
            query = query.where(tuple_(jobs.c.created_at, jobs.c.id) < tuple_(*before))
        return query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)

    def among(self, window: Sequence[Position]) -> Select[Any]:
        """Those of the jobs of a window, newest first, that have the text."""
        ids = func.unnest(cast([job_id for _, job_id in window], ARRAY(Uuid))).table_valued("id").render_derived()
        matches = [
            jobs.c.owner == self.term,
            self._contains(jobs.c.error_message),
            *(
                exists().where(table.c.job_id == jobs.c.id, self._contains(table.c.name)).correlate(jobs)
                for table in self.names
            ),
        ]
        if self.id_range is not None:
            matches.append(jobs.c.id.between(*self.id_range))
        if self.file_ids:
            first, last = window[-1][0] - CLOCKS_DIFFER, window[0][0] + CLOCKS_DIFFER
            of_files = select(file_records.c.job_id).where(
                self._has_file(), file_records.c.job_id.between(first_id(first), first_id(last))
            )
            matches.append(jobs.c.id.in_(of_files))
        return (
            select(jobs.c.created_at, jobs.c.id)
            .join_from(ids, jobs, jobs.c.id == ids.c.id)
            .where(or_(*matches))
            .order_by(jobs.c.created_at.desc(), jobs.c.id.desc())
        )

    def _indexed(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """What the search index of a column finds, which may be more than those that contain the term."""
        return func.file_name_pieces(column).bool_op("@@")(func.file_name_query(literal(self.term, Text)))

    def _contains(self, column: ColumnElement[Any]) -> ColumnElement[bool]:
        return column.icontains(self.term, autoescape=True)

    def _has_file(self) -> ColumnElement[bool]:
        ids = cast(list(self.file_ids), ARRAY(BigInteger))
        return (file_records.c.file_id > UNKNOWN_FILE) & (file_records.c.file_id == func.any(ids))
