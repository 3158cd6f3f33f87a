"""Every error that Haulage raises on purpose.

An error carries a `code`, never an HTTP status: `app.problems` maps codes to HTTP problems and exit codes, in one table.
An error that ends an attempt also has an error class (`ErrorClass`), which alone decides whether the attempt is retried.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar


class ErrorClass(StrEnum):
    """Why an attempt, or one file of it, failed (seed 003, "Error Handling & Retry Logic")."""

    NETWORK = "network"
    TIMEOUT = "timeout"
    STORAGE = "storage"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"
    VALIDATION = "validation"

    @property
    def retryable(self) -> bool:
        """All but validation: asking again for what can't be had changes nothing."""
        return self is not ErrorClass.VALIDATION


class HaulageError(Exception):
    """The root. `message` is a sentence for people that says what is wrong and, where it helps, what to do."""

    code: ClassVar[str] = "internal"
    error_class: ClassVar[ErrorClass] = ErrorClass.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- what a caller asked for -------------------------------------------------------------------------------------------


class InvalidRequest(HaulageError):
    """Input that breaks a rule. `problems` names every offending field: pairs of (field, what is wrong)."""

    code = "invalid_request"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class JobNotFound(HaulageError):
    code = "job_not_found"
    error_class = ErrorClass.VALIDATION


class IllegalTransition(HaulageError):
    """The job's state does not allow the command (docs/state-machine.md)."""

    code = "illegal_transition"
    error_class = ErrorClass.VALIDATION


class NotReady(HaulageError):
    """A link was asked for, but the job is not completed."""

    code = "not_ready"
    error_class = ErrorClass.VALIDATION


class ResultExpired(HaulageError):
    code = "result_expired"
    error_class = ErrorClass.VALIDATION


class ResultGone(HaulageError):
    """The job is completed, or was to be, but its object is no longer in the store, or may leave it at any moment."""

    code = "result_gone"
    error_class = ErrorClass.VALIDATION


class SourceChanged(HaulageError):
    """An object is no longer the one that was pinned by its ETag."""

    code = "source_changed"
    error_class = ErrorClass.STORAGE


class IdempotencyKeyReused(HaulageError):
    """The key came before with another body (draft-ietf-httpapi-idempotency-key-header-07, section 2.7)."""

    code = "idempotency_key_reused"
    error_class = ErrorClass.VALIDATION


class IdempotencyKeyInFlight(HaulageError):
    """The first request with this key has not been answered yet (same draft, section 2.7)."""

    code = "idempotency_key_in_flight"
    error_class = ErrorClass.VALIDATION


# --- what ends an attempt ----------------------------------------------------------------------------------------------


class FilesMissing(HaulageError):
    """Files were asked for that are not in the store; the message names them all."""

    code = "files_missing"
    error_class = ErrorClass.VALIDATION


class BundleTooLarge(HaulageError):
    code = "bundle_too_large"
    error_class = ErrorClass.VALIDATION


class ChecksumMismatch(HaulageError):
    """A file's bytes are not those that its catalogue entry promises."""

    code = "checksum_mismatch"
    error_class = ErrorClass.STORAGE


class StorageFault(HaulageError):
    """The store answered, but with an error of its own (5xx, refused credentials, a bucket that is not there)."""

    code = "storage_fault"
    error_class = ErrorClass.STORAGE


class StorageDown(StorageFault):
    """The store answered that it can't answer now (5xx)."""

    code = "storage_down"


class StorageBusy(StorageFault):
    """The store asks for fewer calls (SlowDown). It is there, and it has not done what it was asked."""

    code = "storage_busy"


class StorageUnreachable(HaulageError):
    """No connection to the store, or it broke midway."""

    code = "storage_unreachable"
    error_class = ErrorClass.NETWORK


class StorageOut(StorageUnreachable):
    """Too many calls to the store have failed: it was not asked. Asking again at once is of no use."""

    code = "storage_out"


class StorageTimeout(HaulageError):
    """The store took longer than it may: no byte for `S3_IDLE_TIMEOUT`, or no progress of a file for `FILE_TIMEOUT`."""

    code = "storage_timeout"
    error_class = ErrorClass.TIMEOUT


class StorageRefused(StorageFault):
    """The store does not let us in (401, 403): the key is wrong, or this machine's clock."""

    code = "storage_refused"


STORAGE_OUTAGES = (StorageDown, StorageRefused, StorageUnreachable, StorageTimeout)
"""The store was asked and did not answer, or only that it can't: no job is to blame for that."""


class ObjectMissing(HaulageError):
    """The store says that there is no such key (and nothing else: 403 is a `StorageFault`)."""

    code = "object_missing"
    error_class = ErrorClass.STORAGE


class AttemptTimeout(HaulageError):
    """The attempt took longer than `JOB_TIMEOUT`."""

    code = "attempt_timeout"
    error_class = ErrorClass.TIMEOUT


class StaleFence(HaulageError):
    """Somebody else has moved the job on since this writer last read it: stop and discard."""

    code = "stale_fence"
    error_class = ErrorClass.WORKER_LOST


# --- what the service itself lacks -------------------------------------------------------------------------------------


class DatabaseUnavailable(HaulageError):
    code = "database_unavailable"
    error_class = ErrorClass.NETWORK


class QueueFull(HaulageError):
    """As many jobs are queued as may be (`MAX_QUEUED`).

    `queue_position`: the place in the queue that this one would have had, from 1; `retry_after`: seconds until there may
    be room.
    """

    code = "queue_full"

    def __init__(self, message: str, queue_position: int, retry_after: int) -> None:
        super().__init__(message)
        self.queue_position = queue_position
        self.retry_after = retry_after


class DatabaseBusy(DatabaseUnavailable):
    """All connections of this process are in use: it has more to do than it can."""

    code = "database_busy"


class RedisUnavailable(HaulageError):
    """Nobody is refused for this: whoever meets it goes on with what PostgreSQL has."""

    code = "redis_unavailable"
    error_class = ErrorClass.NETWORK
