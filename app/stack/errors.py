"""Errors of the local stack."""

from __future__ import annotations

from jobs.errors import HaulageError


class StackError(HaulageError):
    """A server of the local stack can't be found, started or stopped; the message says which and why."""

    code = "stack"
