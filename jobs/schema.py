"""What the tables of all packages share: one `MetaData`, the naming of constraints, and helpers for columns."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, MetaData

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
