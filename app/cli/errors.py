"""Errors of the command line: a line on standard error, and an exit code.

Exit codes come from the same table as the gateway's HTTP problems, so that an error has one code wherever it is met.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from app.exit_codes import ExitCode
from app.problems import RESPONSES
from jobs.engine.events import ErrorView
from jobs.errors import ErrorClass, HaulageError


class CommandFailed(HaulageError):
    """An error on this machine, such as a file that can't be written or a name that is taken."""

    code = "client"


class ServerUnreachable(HaulageError):
    """No Haulage server responds at the URL."""

    code = "server_unreachable"


class Refused(HaulageError):
    """A problem that the server responded with, or the reason why a job has ended. `problem` is its code.

    `details`: all members of the problem.
    """

    code = "client"

    def __init__(self, message: str, problem: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.problem = problem
        self.details = details or {}


_PROBLEM_OF_CLASS = {
    ErrorClass.VALIDATION: "files_missing",
    ErrorClass.NETWORK: "storage_unreachable",
    ErrorClass.STORAGE: "storage_fault",
    ErrorClass.TIMEOUT: "attempt_timeout",
    ErrorClass.WORKER_LOST: "worker_lost",
    ErrorClass.INTERNAL: "internal",
}


def job_failed(job_id: UUID, error: ErrorView) -> Refused:
    """Return the error for a failed download, by the class of its last error."""
    return Refused(f"Job {job_id} failed: {failure_text(job_id, error)}", _PROBLEM_OF_CLASS[error.error_class])


def upload_failed(name: str, job_id: UUID, error: ErrorView) -> Refused:
    """Return the error for a failed upload: a file that was refused, or a fault, by the class of its last error."""
    refused = error.error_class is ErrorClass.VALIDATION
    problem = "type_mismatch" if refused else _PROBLEM_OF_CLASS[error.error_class]
    return Refused(f"{name} was not accepted (job {job_id}): {failure_text(job_id, error)}", problem)


def failure_text(job_id: UUID, error: ErrorView) -> str:
    """Return why a job failed, and what to do. The message of an error that no retry can fix says that itself."""
    advice = f" `haulage jobs retry {job_id}` runs it again." if error.error_class.retryable else ""
    return error.message + advice


def exit_code(error: HaulageError) -> ExitCode:
    """Return the exit code of a domain error, or of a problem that a server responded with."""
    response = RESPONSES.get(error.problem if isinstance(error, Refused) else error.code)
    return ExitCode.FAILED if response is None else response.exit_code


def report_error(error: Exception) -> ExitCode | None:
    """Print an expected error and return its exit code. None for an unexpected one: a bug, which gets a traceback."""
    if isinstance(error, HaulageError):
        print_error(explain(error))
        return exit_code(error)
    if isinstance(error, OSError):
        print_error(str(error))
        return ExitCode.FAILED
    return None


def explain(error: HaulageError) -> str:
    """Return the message; of a database or Redis that does not work, one sentence with the reason that it gives."""
    reason = getattr(error, "reason", "")
    return f"{RESPONSES[error.code].title}: {reason.rstrip('.')}." if reason else error.message


def print_error(message: str) -> None:
    """Print one error on standard error."""
    print(f"haulage: {message}", file=sys.stderr)
