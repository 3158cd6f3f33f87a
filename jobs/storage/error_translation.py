"""What the S3 clients raise, translated into errors of the domain.

A message holds what was being done, the HTTP status and the store's error code, and never a client's own text: that
may contain a presigned query string or an address of the inside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus

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
# How obstore's text tells apart what all comes as its GenericError.
_NO_CONNECTION = re.compile(r"kind: Connect\b|ConnectError|\(\s*Connect,")
_TIMED_OUT = re.compile(r"kind: Timeout\b")
_NOT_HTTP = re.compile(r"HttpError|kind: (?:Interrupted|Request|Unknown)\b")
_BUSY = frozenset({"SlowDown", "ServerBusy", "TooManyRequests", "RequestLimitExceeded"})
"""Not `SlowDownRead` and `SlowDownWrite`: MinIO says so when it has lost disks."""
_SPOILT = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall"})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class UploadUnusable(StorageFault):
    """The store will not make an object of the multipart upload any more."""


class UploadGone(UploadUnusable):
    """The store does not know the multipart upload: it was completed or aborted before, or is lost."""


class Unsupported(StorageFault):
    """The store does not know the call, or a header of it (501)."""


class Refusal(Exception):
    """An answer other than the one hoped for, of a request that no client library made."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.code = code_in(body.decode("utf-8", "replace"))


@contextmanager
def translated(action: str, bucket: str) -> Iterator[None]:
    """Let nothing but errors of the domain out of the block.

    `action` continues "when", as in "reading 'a.zip'". A 404 becomes `ObjectMissing` unless the store blames the bucket
    or the upload; where the answer had no body to say so (HEAD), the caller looks at the bucket: `Bucket.guard`.
    """
    try:
        yield
    except HaulageError:
        raise
    except Exception as error:
        fault = _translate(error, action, bucket)
        if fault is None:
            raise
        # The client's error is not chained: its text may hold a presigned query string.
        raise fault from None


def code_in(text: str) -> str:
    """The S3 error code in an XML answer, or an empty string."""
    found = _CODE.search(text)
    return found[1] if found else ""


def answered(status: int, code: str, action: str, bucket: str) -> HaulageError:
    """The error for an HTTP status of the store and the S3 error code that came with it, if any."""
    said = f"{status} {code}".strip()
    if code == "NoSuchBucket":
        return no_bucket(bucket)
    if code in _BUSY or status == HTTPStatus.TOO_MANY_REQUESTS:
        return StorageBusy(f"The store asks for fewer calls ({said}) when {action}.")
    if code == "NoSuchUpload" or code in _SPOILT:
        return _unusable(code, action)
    return _of_status(status, said, action)


def _of_status(status: int, said: str, action: str) -> HaulageError:
    if status in _REFUSED:
        return StorageRefused(f"The store refused the credentials or the access ({said}) when {action}.")
    if status == HTTPStatus.NOT_FOUND:
        return ObjectMissing(f"The store has no such object when {action}.")
    if status == HTTPStatus.PRECONDITION_FAILED:
        return SourceChanged(f"The object has changed since it was pinned: found when {action}.")
    return _fault(status)(f"The store answered {said} when {action}.")


def _fault(status: int) -> type[StorageFault]:
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return Unsupported
    return StorageDown if status >= HTTPStatus.INTERNAL_SERVER_ERROR else StorageFault


def _unusable(code: str, action: str) -> UploadUnusable:
    if code == "NoSuchUpload":
        return UploadGone(f"The store no longer knows the multipart upload when {action}.")
    return UploadUnusable(f"The store does not take the parts of the multipart upload ({code}) when {action}.")


def no_bucket(bucket: str) -> StorageFault:
    """The error for a bucket that is not there."""
    return StorageFault(f"The bucket {bucket!r} is not in the store.")


def unreachable(action: str) -> StorageUnreachable:
    """The error for a connection that was not made, or that broke."""
    return StorageUnreachable(f"The connection to the store failed when {action}.")


def timed_out(action: str) -> StorageTimeout:
    """The error for a store that keeps silent."""
    return StorageTimeout(f"The store took too long when {action}.")


def _translate(error: Exception, action: str, bucket: str) -> HaulageError | None:
    """The domain's error, or `None` when `error` is no client's: then it is a bug and stays what it is."""
    answer = _answer(error)
    if answer is not None:
        return answered(*answer, action, bucket)
    if isinstance(error, obstore.exceptions.BaseError):
        return _from_text(str(error))(action)
    if isinstance(error, boto.ParamValidationError | boto.MissingParametersError):
        return None
    if isinstance(error, http.HTTPError | boto.HTTPClientError | boto.ConnectionError | OSError):
        return _from_chain(error)(action)
    if isinstance(error, boto.BotoCoreError | boto.ClientError | MinioException):
        return StorageFault(f"The store's answer could not be understood when {action}.")
    return None


def _answer(error: Exception) -> tuple[int, str] | None:
    """HTTP status and S3 error code of the answer that `error` stands for, if the store answered at all."""
    if isinstance(error, Refusal):
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
        return (int(found[1]), code_in(str(error))) if found else None
    return None


def _from_text(text: str) -> Callable[[str], HaulageError]:
    """Sort an error of obstore by its text: it has no class for these."""
    if _NO_CONNECTION.search(text):
        return unreachable
    if _TIMED_OUT.search(text):
        return timed_out
    if _NOT_HTTP.search(text):
        return unreachable
    return lambda action: StorageFault(f"The store's answer could not be understood when {action}.")


def _from_chain(error: BaseException) -> Callable[[str], HaulageError]:
    """Sort an error of urllib3 or botocore by the innermost one that it wraps."""
    chain = list(_unwrapped(error))
    if any(isinstance(each, http.ConnectTimeoutError | boto.ConnectTimeoutError) for each in chain):
        return unreachable
    if any(isinstance(each, http.ReadTimeoutError | boto.ReadTimeoutError | TimeoutError) for each in chain):
        return timed_out
    return unreachable


def _unwrapped(error: BaseException) -> Iterator[BaseException]:
    """The error and all that it was made from: urllib3 keeps them in `args`, botocore in the context."""
    yield error
    inner = [each for each in error.args if isinstance(each, BaseException)]
    if not inner and error.__context__ is not None:
        inner = [error.__context__]
    for each in inner:
        yield from _unwrapped(each)
