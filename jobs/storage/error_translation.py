"""Translation of the S3 clients' errors into errors of the domain.

A message contains the action, the HTTP status and the store's error code, but never a client's own text, which may
contain a presigned query string or an internal address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from ssl import SSLCertVerificationError

import botocore.exceptions as boto
import obstore.exceptions
import urllib3.exceptions as http
from minio.error import MinioException, S3Error, ServerError

from jobs.errors import (
    HaulageError,
    ObjectMissing,
    SourceChanged,
    StorageBusy,
    StorageDown,
    StorageFault,
    StorageRefused,
    StorageTimeout,
    StorageUnreachable,
)

_STATUS = re.compile(r"non-2xx status code: (\d{3})")
_CODE = re.compile(r"<Code>([A-Za-z0-9.]{1,64})</Code>")
# obstore raises GenericError for all of these; only its text distinguishes them.
_NO_CONNECTION = re.compile(r"kind: Connect\b|ConnectError|\(\s*Connect,")
_CERTIFICATE = re.compile(r"InvalidCertificate\(\s*(\w+)")
_TIMED_OUT = re.compile(r"kind: Timeout\b")
_NOT_HTTP = re.compile(r"HttpError|kind: (?:Interrupted|Request|Unknown)\b")
_BUSY = frozenset({"SlowDown", "ServerBusy", "TooManyRequests", "RequestLimitExceeded"})
"""Not `SlowDownRead` and `SlowDownWrite`, which MinIO returns when it has lost disks."""
_PARTS_REJECTED = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
_CHECKSUM_REJECTED = frozenset({"BadDigest", "XAmzContentChecksumMismatch"})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class UploadUnusable(StorageFault):
    """The multipart upload can no longer be completed."""


class UploadGone(UploadUnusable):
    """The multipart upload does not exist: it was completed or aborted before, or was lost."""


class ChecksumRejected(StorageFault):
    """The store computed another CRC-32 than the one that came with the completion or with a part."""


class Unsupported(StorageFault):
    """The store does not support the call, or one of its headers (501)."""


class UnexpectedResponse(Exception):
    """The error response to a request that was not made by a client library."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.code = error_code_in(body.decode("utf-8", "replace"))


@contextmanager
def translate_errors(action: str, bucket: str) -> Iterator[None]:
    """Translate every error of an S3 client that is raised in the block into an error of the domain.

    `action` completes "while …", as in "reading 'a.zip'". A 404 becomes `ObjectMissing` unless its error code names the
    bucket or the upload; a response to HEAD has no body with a code, so `Bucket.error_boundary` checks the bucket.
    """
    try:
        yield
    except HaulageError:
        raise
    except Exception as error:
        fault = _translate(error, action, bucket)
        if fault is None:
            raise
        # The client's error is not chained: its text may contain a presigned query string.
        raise fault from None


def error_code_in(text: str) -> str:
    """Return the S3 error code of an XML response, or an empty string."""
    found = _CODE.search(text)
    return found[1] if found else ""


def error_for_response(status: int, code: str, action: str, bucket: str) -> HaulageError:
    """Return the error for a response with this HTTP status and S3 error code, which may be empty."""
    response = f"{status} {code}".strip()
    if code == "NoSuchBucket":
        return bucket_missing(bucket)
    if code in _BUSY or status == HTTPStatus.TOO_MANY_REQUESTS:
        return StorageBusy(f"The store is rate-limiting requests ({response}) while {action}.")
    if code == "NoSuchUpload":
        return UploadGone(f"The multipart upload no longer exists: found while {action}.")
    if code in _CHECKSUM_REJECTED:
        return ChecksumRejected(f"The store computed another CRC-32 ({code}) while {action}.")
    if code in _PARTS_REJECTED:
        return UploadUnusable(f"The store rejected the parts of the multipart upload ({code}) while {action}.")
    return _error_for_status(status, response, action)


def _error_for_status(status: int, response: str, action: str) -> HaulageError:
    if status in _REFUSED:
        return StorageRefused(f"The store denied access ({response}) while {action}: check its keys and permissions.")
    if status == HTTPStatus.NOT_FOUND:
        return ObjectMissing(f"The object does not exist in the store: found while {action}.")
    if status == HTTPStatus.PRECONDITION_FAILED:
        return source_changed(action)
    fault: type[StorageFault] = StorageFault
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        fault = Unsupported if status == HTTPStatus.NOT_IMPLEMENTED else StorageDown
    return fault(f"The store responded {response} while {action}.")


def bucket_missing(bucket: str) -> StorageFault:
    """Return the error for a bucket that does not exist."""
    return StorageFault(f"The bucket {bucket!r} does not exist in the store.")


def source_changed(action: str) -> SourceChanged:
    """Return the error for an object whose ETag is not the pinned one."""
    return SourceChanged(f"The object has changed since the job started: found while {action}.")


def unreachable(action: str) -> StorageUnreachable:
    """Return the error for a connection that could not be established, or was lost."""
    return StorageUnreachable(f"The connection to the store failed while {action}.")


def untrusted(action: str, reason: str) -> StorageUnreachable:
    """Return the error for a certificate that the client rejected."""
    message = f"The certificate of the store was rejected ({reason}) while {action}: check S3_CA_FILE."
    return StorageUnreachable(message)


def timed_out(action: str) -> StorageTimeout:
    """Return the error for a store that did not respond in time."""
    return StorageTimeout(f"The store did not respond in time while {action}.")


def _invalid_response(action: str) -> StorageFault:
    return StorageFault(f"The store's response is not valid S3: received while {action}.")


def _translate(error: Exception, action: str, bucket: str) -> HaulageError | None:
    """Return the domain's error, or `None` if `error` is not a client's: then it is a bug and is not translated."""
    response = _response_of(error)
    if response is not None:
        return error_for_response(*response, action, bucket)
    if isinstance(error, obstore.exceptions.BaseError):
        return _classified_by_text(str(error))(action)
    if isinstance(error, boto.ParamValidationError | boto.MissingParametersError):
        return None
    if isinstance(error, http.HTTPError | boto.HTTPClientError | boto.ConnectionError | OSError):
        return _classified_by_cause(error)(action)
    if isinstance(error, boto.BotoCoreError | boto.ClientError | MinioException):
        return _invalid_response(action)
    return None


def _response_of(error: Exception) -> tuple[int, str] | None:
    """Return HTTP status and S3 error code of the response that `error` stands for, if there was a response."""
    if isinstance(error, UnexpectedResponse):
        return error.status, error.code
    if isinstance(error, boto.ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        return error.response["ResponseMetadata"]["HTTPStatusCode"], code if not code.isdigit() else ""
    if isinstance(error, S3Error):
        return error.response.status, error.code or ""
    if isinstance(error, ServerError):
        return error.status_code, ""
    if isinstance(error, obstore.exceptions.BaseError | FileNotFoundError):
        found = _STATUS.search(str(error))
        return (int(found[1]), error_code_in(str(error))) if found else None
    return None


def _classified_by_text(text: str) -> Callable[[str], HaulageError]:
    """Classify an error of obstore by its text, since obstore has no classes for these."""
    certificate = _CERTIFICATE.search(text)
    if certificate is not None:
        return partial(untrusted, reason=certificate[1])
    if _NO_CONNECTION.search(text):
        return unreachable
    if _TIMED_OUT.search(text):
        return timed_out
    if _NOT_HTTP.search(text):
        return unreachable
    return _invalid_response


def _classified_by_cause(error: BaseException) -> Callable[[str], HaulageError]:
    """Classify an error of urllib3 or botocore by the innermost error that it wraps."""
    chain = list(_unwrapped(error))
    for each in chain:
        if isinstance(each, SSLCertVerificationError):
            return partial(untrusted, reason=each.verify_message)
    if any(isinstance(each, http.ConnectTimeoutError | boto.ConnectTimeoutError) for each in chain):
        return unreachable
    if any(isinstance(each, http.ReadTimeoutError | boto.ReadTimeoutError | TimeoutError) for each in chain):
        return timed_out
    return unreachable


def _unwrapped(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that it wraps: urllib3 keeps them in `args`, botocore in the context."""
    yield error
    inner = [each for each in error.args if isinstance(each, BaseException)]
    if not inner and error.__context__ is not None:
        inner = [error.__context__]
    for each in inner:
        yield from _unwrapped(each)
