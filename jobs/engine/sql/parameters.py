"""Parameters of constant SQL strings, with the types of the columns that they are for."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # as SQLAlchemy has it


def parameters(table: Table, columns: Iterable[str], first: int) -> str:
    """`$first`, … for these columns of the table, each cast to its column's type, which a SELECT list does not imply."""
    types = (table.c[name].type.compile(_DIALECT) for name in columns)
    return ", ".join(f"CAST(${number} AS {type_})" for number, type_ in enumerate(types, first))
