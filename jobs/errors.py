"""Every error that Haulage raises intentionally.

An error has a `code`, never an HTTP status: one table in `app.problems` maps codes to HTTP problems and exit codes.
Its error class (`ErrorClass`) alone decides whether an attempt that it ends is retried.
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
        """Return True except for validation errors, which a retry cannot fix."""
        return self is not ErrorClass.VALIDATION


class HaulageError(Exception):
    """The base class. `message` is for users: what is wrong and, where it helps, what to do."""

    code: ClassVar[str] = "internal"
    error_class: ClassVar[ErrorClass] = ErrorClass.INTERNAL

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- errors of a request ----------------------------------------------------------------------------------------------


class InvalidRequest(HaulageError):
    """Invalid input. `problems` lists every invalid field: pairs of (field, what is wrong)."""

    code = "invalid_request"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class JobNotFound(HaulageError):
    code = "job_not_found"
    error_class = ErrorClass.VALIDATION


class UserNotFound(HaulageError):
    code = "user_not_found"
    error_class = ErrorClass.VALIDATION


class NoticeNotFound(HaulageError):
    code = "notice_not_found"
    error_class = ErrorClass.VALIDATION


class WorkerNotFound(HaulageError):
    code = "worker_not_found"
    error_class = ErrorClass.VALIDATION


class ActionNotFound(HaulageError):
    code = "action_not_found"
    error_class = ErrorClass.VALIDATION


class ActionEnded(HaulageError):
    """A bulk action can't be stopped: all of it was done, or it was stopped before."""

    code = "action_ended"
    error_class = ErrorClass.VALIDATION


class CountChanged(HaulageError):
    """More jobs match a filter than the operator has seen. `count`: how many do now."""

    code = "count_changed"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, count: int) -> None:
        super().__init__(message)
        self.count = count


class GrantExhausted(HaulageError):
    """As many jobs as a grant allows were created with it."""

    code = "grant_exhausted"
    error_class = ErrorClass.VALIDATION


class TooManyJobs(HaulageError):
    """The owner has started as many jobs in the last hour as its plan allows.

    `retry_after`: seconds until the oldest of them leaves the hour.
    """

    code = "too_many_jobs"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, limit: int, retry_after: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.retry_after = retry_after


class TooManyRunningJobs(HaulageError):
    """As many jobs of the owner are queued, processing or retrying as its plan allows."""

    code = "too_many_running_jobs"
    error_class = ErrorClass.VALIDATION


class IllegalTransition(HaulageError):
    """The job's state does not allow the command (docs/state-machine.md)."""

    code = "illegal_transition"
    error_class = ErrorClass.VALIDATION


class NotReady(HaulageError):
    """A link was requested, but the job is not completed."""

    code = "not_ready"
    error_class = ErrorClass.VALIDATION


class ResultExpired(HaulageError):
    code = "result_expired"
    error_class = ErrorClass.VALIDATION


class ResultGone(HaulageError):
    """The job is completed or about to be, but its object no longer exists in the store, or may be deleted at any time."""

    code = "result_gone"
    error_class = ErrorClass.VALIDATION


class SourceChanged(HaulageError):
    """An object no longer has the ETag by which it was pinned."""

    code = "source_changed"
    error_class = ErrorClass.STORAGE


class IdempotencyKeyReused(HaulageError):
    """The key was used before with another body (draft-ietf-httpapi-idempotency-key-header-07, section 2.7)."""

    code = "idempotency_key_reused"
    error_class = ErrorClass.VALIDATION


class IdempotencyKeyInFlight(HaulageError):
    """The first request with this key has not been responded to yet (same draft, section 2.7)."""

    code = "idempotency_key_in_flight"
    error_class = ErrorClass.VALIDATION


class FileNotFound(HaulageError):
    """No file of the catalogue has this id, or the caller may not read it."""

    code = "file_not_found"
    error_class = ErrorClass.VALIDATION


class FileGone(HaulageError):
    """The file was removed from the catalogue; the message says when and why."""

    code = "file_gone"
    error_class = ErrorClass.VALIDATION


class UploadTooLarge(HaulageError):
    """A file, or a body, is larger than what is accepted."""

    code = "upload_too_large"
    error_class = ErrorClass.VALIDATION


class PartsMissing(HaulageError):
    """An upload can't be completed: the client has not sent these parts, of which at most 100 are listed."""

    code = "parts_missing"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, missing_parts: Sequence[int]) -> None:
        super().__init__(message)
        self.missing_parts = tuple(missing_parts)


class UploadBusy(HaulageError):
    """Another request sends bytes of the same upload."""

    code = "upload_busy"
    error_class = ErrorClass.VALIDATION


class WrongOffset(HaulageError):
    """Bytes were sent that do not follow those that have arrived. `offset`: how many have."""

    code = "wrong_offset"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class WrongChecksum(HaulageError):
    """A request's bytes do not have the checksum that came with it. None of them counts."""

    code = "wrong_checksum"
    error_class = ErrorClass.VALIDATION


class TooManyUploads(HaulageError):
    """The owner has as many uploads open as one may have (`MAX_OPEN_UPLOADS`)."""

    code = "too_many_uploads"


class UploadQuotaExceeded(HaulageError):
    """The owner has uploaded as many bytes within 24 hours as one may (`UPLOAD_BYTES_PER_DAY`)."""

    code = "upload_quota_exceeded"


class WebhookNotFound(HaulageError):
    code = "webhook_not_found"
    error_class = ErrorClass.VALIDATION


class TooManyWebhooks(HaulageError):
    """The owner has as many webhooks as one may have."""

    code = "too_many_webhooks"
    error_class = ErrorClass.VALIDATION


class InvalidUrl(HaulageError):
    """A text that was to be the URL of a webhook or of a source is none, or one that no request can be sent to."""

    code = "invalid_url"
    error_class = ErrorClass.VALIDATION


class EgressRefused(HaulageError):
    """A URL that a user named leads to an address that may not be reached from here (`EGRESS_ALLOW`)."""

    code = "egress_refused"
    error_class = ErrorClass.VALIDATION


class EgressFailed(HaulageError):
    """A request to a URL that a user named got no response, or only a part of it."""

    code = "egress_failed"
    error_class = ErrorClass.NETWORK


class EgressTimeout(EgressFailed):
    """A host sent nothing, or did not accept a connection, for as long as a request may wait."""

    code = "egress_timeout"
    error_class = ErrorClass.TIMEOUT


class MailFailed(HaulageError):
    """A mail to operators was not sent: the SMTP server is unavailable, or has refused it."""

    code = "mail_failed"
    error_class = ErrorClass.NETWORK


# --- errors that end an attempt ---------------------------------------------------------------------------------------


class SourceRejected(HaulageError):
    """The URL of a file can't be fetched, and trying again does not help: the file counts as missing.

    The message is a reason, without the name of the file.
    """

    code = "source_rejected"
    error_class = ErrorClass.VALIDATION


class SourceUnavailable(HaulageError):
    """The host of a file's URL did not deliver all of it now.

    `retry_after`: seconds for which it wants no other request, None if it did not say.
    """

    code = "source_unavailable"
    error_class = ErrorClass.NETWORK

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceTooSlow(SourceUnavailable):
    """The host of a file's URL sends fewer bytes per second than `SOURCE_MIN_RATE`."""

    code = "source_too_slow"
    error_class = ErrorClass.TIMEOUT


class FilesMissing(HaulageError):
    """Requested files do not exist in the store; the message names them all."""

    code = "files_missing"
    error_class = ErrorClass.VALIDATION


class TypeMismatch(HaulageError):
    """The content of an uploaded file contradicts its name or its declared type."""

    code = "type_mismatch"
    error_class = ErrorClass.VALIDATION


class UploadIncomplete(HaulageError):
    """The store does not have what an upload's client said that it had sent."""

    code = "upload_incomplete"
    error_class = ErrorClass.VALIDATION


class ProcessingFailed(HaulageError):
    """Not everything could be made of a file, and the uploader wanted all or an error."""

    code = "processing_failed"
    error_class = ErrorClass.VALIDATION


class DecoderFailed(HaulageError):
    """The child that decodes a file has crashed, was killed, or has broken its protocol."""

    code = "decoder_failed"


class DecoderTimeout(HaulageError):
    """The child that decodes a file was stopped, since it took too long."""

    code = "decoder_timeout"
    error_class = ErrorClass.TIMEOUT


class ScratchFull(HaulageError):
    """There is no room in `SCRATCH_DIR` now. No job is to blame."""

    code = "scratch_full"


class BundleTooLarge(HaulageError):
    code = "bundle_too_large"
    error_class = ErrorClass.VALIDATION


class ChecksumMismatch(HaulageError):
    """A file's bytes do not match the checksum of its catalogue entry."""

    code = "checksum_mismatch"
    error_class = ErrorClass.STORAGE


class StorageFault(HaulageError):
    """The store responded with an error (5xx, rejected credentials, a missing bucket)."""

    code = "storage_fault"
    error_class = ErrorClass.STORAGE


class StorageDown(StorageFault):
    """The store responded that it cannot serve requests now (5xx)."""

    code = "storage_down"


class StorageBusy(StorageFault):
    """The store is rate-limiting requests (SlowDown). It is available, and did not execute the call."""

    code = "storage_busy"


class StorageUnreachable(HaulageError):
    """The connection to the store could not be established, or was lost."""

    code = "storage_unreachable"
    error_class = ErrorClass.NETWORK


class StorageOut(StorageUnreachable):
    """Too many calls to the store have failed, so none was made (open circuit). Retrying at once is of no use."""

    code = "storage_out"


class StorageTimeout(HaulageError):
    """The store was too slow: no byte for `S3_IDLE_TIMEOUT`, or no progress of a file for `FILE_TIMEOUT`."""

    code = "storage_timeout"
    error_class = ErrorClass.TIMEOUT


class StorageRefused(StorageFault):
    """The store denied access (401, 403): the access key is wrong, or this machine's clock."""

    code = "storage_refused"


STORAGE_OUTAGES = (StorageDown, StorageRefused, StorageUnreachable, StorageTimeout)
"""The store did not respond, or only that it cannot serve requests. No job is to blame."""


class ObjectMissing(HaulageError):
    """The store responded that the key does not exist (and nothing else: 403 is a `StorageFault`)."""

    code = "object_missing"
    error_class = ErrorClass.STORAGE


class FileInfected(HaulageError):
    """The virus scanner has found something in an uploaded file. `finding`, the signature's name, is for operators only."""

    code = "infected"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, finding: str) -> None:
        super().__init__(message)
        self.finding = finding


class FileUnscannable(HaulageError):
    """An uploaded file exceeds a limit of the virus scanner, and `UNSCANNABLE` is `refuse`.

    `finding`, the limit as the scanner names it, is for operators only.
    """

    code = "unscannable"
    error_class = ErrorClass.VALIDATION

    def __init__(self, message: str, finding: str) -> None:
        super().__init__(message)
        self.finding = finding


class ScannerUnavailable(HaulageError):
    """The virus scanner cannot be reached, or does not work. No job is to blame.

    `reason` is what it or the network said. It may name hosts and paths, so it is for operators only.
    """

    code = "scanner_unavailable"
    error_class = ErrorClass.NETWORK

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class ScannerTimeout(ScannerUnavailable):
    """The virus scanner was too slow: it accepted no byte for `CLAMD_IDLE_TIMEOUT`, or took longer than `CLAMD_TIMEOUT`."""

    code = "scanner_timeout"
    error_class = ErrorClass.TIMEOUT


class ScannerMisconfigured(ScannerUnavailable):
    """The virus scanner misses what it must find, or calls files clean that it has not scanned."""

    code = "scanner_misconfigured"


class SandboxUnavailable(HaulageError):
    """No sandbox works here, so that no file may be decoded. No job is to blame.

    `reason` is what was tried, and what to do. It may name paths, so it is for operators only.
    """

    code = "sandbox_unavailable"
    error_class = ErrorClass.INTERNAL

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class AttemptTimeout(HaulageError):
    """The attempt took longer than `JOB_TIMEOUT`."""

    code = "attempt_timeout"
    error_class = ErrorClass.TIMEOUT


class StaleFence(HaulageError):
    """Another writer has changed the job since this one last read it: stop and discard."""

    code = "stale_fence"
    error_class = ErrorClass.WORKER_LOST


class QueuePaused(HaulageError):
    """An operator has paused the queue of a kind: none of its jobs is claimed."""

    code = "queue_paused"


# --- errors of the service itself -------------------------------------------------------------------------------------


class DatabaseUnavailable(HaulageError):
    """`reason` is what the server or the network said. It may name hosts and users, so it is for operators only."""

    code = "database_unavailable"
    error_class = ErrorClass.NETWORK

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class DatabaseRefused(DatabaseUnavailable):
    """The database rejects this installation: its password, its TLS, its encoding. Repeating does not help."""

    code = "database_refused"


class QueueFull(HaulageError):
    """The queue holds the maximum number of jobs (`MAX_QUEUED`).

    `queue_position`: the position that this job would have had, from 1; `retry_after`: seconds until there may be room.
    """

    code = "queue_full"

    def __init__(self, message: str, queue_position: int, retry_after: int) -> None:
        super().__init__(message)
        self.queue_position = queue_position
        self.retry_after = retry_after


class DatabaseBusy(DatabaseUnavailable):
    """All database connections of this process are in use: it is overloaded."""

    code = "database_busy"


class RedisUnavailable(HaulageError):
    """No request fails because of this: callers continue with the data in PostgreSQL.

    `reason` is what the server or the network said. It may name hosts, users and keys, so it is for operators only.
    """

    code = "redis_unavailable"
    error_class = ErrorClass.NETWORK

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason
