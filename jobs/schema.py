"""What the tables of all packages share: one `MetaData`, the naming of constraints, and helpers for columns."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Column, DateTime, Index, MetaData, func

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

TimestampTz = DateTime(timezone=True)


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """A CHECK that the text column holds a value of the enum."""
    return CheckConstraint(f"{column} IN ({quoted(values)})", name=column)


def quoted(values: Iterable[StrEnum]) -> str:
    """The values as SQL literals, separated by commas."""
    return ", ".join(f"'{value}'" for value in values)


PENDING_KB = 256
"""Kilobytes of new entries of a search index: each search reads them all; when full, they are sorted in."""


def search_index(name: str, column: Column[Any]) -> Index:
    """An index for searches within a text that operators make (`jobs.files.tables` says how it is searched).

    Its entries are of rows that have the text. Unlike that of the catalogue it gathers new entries and sorts them in
    together: it is written with every job, and searched seldom.
    """
    where = column.is_not(None) if column.nullable else None
    return Index(
        name,
        func.file_name_pieces(column),
        postgresql_using="gin",
        postgresql_with={"gin_pending_list_limit": PENDING_KB},
        postgresql_where=where,
    )
