"""What goes wrong on the command line, and how it ends: a line on standard error and an exit code with a meaning.

Codes come from the table that the gateway answers from, so a script meets the same error as the same code either way.
"""

from __future__ import annotations

import sys

from app.problems import RESPONSES
from jobs.errors import ErrorClass, HaulageError

GENERAL = 1
"""The exit code of an error that has none of its own."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


class CommandFailed(HaulageError):
    """Something on this side: a file that can't be written, a name that is taken."""

    code = "client"


class ServerUnreachable(HaulageError):
    """No Haulage server answers at the address."""

    code = "server_unreachable"


class Refused(HaulageError):
    """A problem that the server answered with, or why a job has ended; `problem` is its code there."""

    code = "client"

    def __init__(self, message: str, problem: str) -> None:
        super().__init__(message)
        self.problem = problem


_ENDINGS = {
    ErrorClass.VALIDATION: "files_missing",
    ErrorClass.NETWORK: "storage_unreachable",
    ErrorClass.STORAGE: "storage_fault",
    ErrorClass.TIMEOUT: "attempt_timeout",
    ErrorClass.WORKER_LOST: "worker_lost",
    ErrorClass.INTERNAL: "internal",
}


def job_failed(job_id: object, error_class: ErrorClass, message: str) -> Refused:
    """The error for a job that has failed, by the class of what ended it."""
    return Refused(f"Job {job_id} failed ({error_class}): {message}", _ENDINGS[error_class])


def exit_code(error: HaulageError) -> int:
    """The exit code of an error of the domain, or of one received."""
    answer = RESPONSES.get(error.problem if isinstance(error, Refused) else error.code)
    return GENERAL if answer is None else answer.exit_code


def explain(error: Exception) -> int | None:
    """Print an expected error and return its exit code; None for one that nobody expects: a bug."""
    if isinstance(error, HaulageError):
        complain(error.message)
        return exit_code(error)
    if isinstance(error, OSError):
        complain(str(error))
        return GENERAL
    return None


def complain(message: str) -> None:
    """One error on standard error."""
    print(f"haulage: {message}", file=sys.stderr)
