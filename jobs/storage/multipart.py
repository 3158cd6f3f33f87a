"""Multipart uploads, call by call: parts in any order, from any attempt or process that knows the upload id."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.errors import ObjectMissing, StorageFault
from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import Buffer, combine, encode
from jobs.storage.error_translation import UploadGone
from jobs.storage.etags import quoted
from jobs.storage.part_buffer import PartBuffer
from jobs.storage.put_client import PutClient
from jobs.storage.thread_pool import ThreadPool

FINGERPRINT_METADATA = "haulage-plan"
"""The user metadata `x-amz-meta-haulage-plan` holds the fingerprint of the plan by which an object was made."""

CHECKSUM_PARAMETERS: dict[str, Any] = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}


@dataclass(frozen=True, slots=True)
class PartChecksums:
    """CRC-32 and length in bytes of the parts of an upload, by part number."""

    parts: Mapping[int, tuple[int, int]]

    def of_part(self, number: int) -> dict[str, str]:
        """Return the parameters for one part in the completion."""
        return {"ChecksumCRC32": encode(self.parts[number][0])}

    def of_object(self) -> dict[str, Any]:
        """Return the parameters for the whole object in the completion."""
        crc32 = combine(self.parts[number] for number in sorted(self.parts))
        return {"ChecksumCRC32": encode(crc32), "ChecksumType": CHECKSUM_PARAMETERS["ChecksumType"]}


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """An upload in progress, as the store lists it."""

    key: str
    id: str
    initiated_at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class PartInfo:
    """A part of an upload in progress, as the store lists it. `size` is in bytes."""

    number: int
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class CompletedObject:
    """The object that an upload was completed to. `size` is in bytes."""

    size: int
    etag: str
    fingerprint: str


class MultipartUploads:
    """The multipart uploads of the bucket. Every method may raise the `Storage…` errors."""

    def __init__(self, bucket: Bucket, put_client: PutClient, client: Any, long_timeout_client: Any) -> None:
        """Both clients are botocore's; `long_timeout_client` is for completing and copying, which may take a store long."""
        self._bucket = bucket
        self._put_client = put_client
        self._client = client
        self._long_timeout_client = long_timeout_client
        self._threads = ThreadPool(16, "storage-multipart")

    async def create(self, key: str, content_type: str, fingerprint: str = "", *, with_checksums: bool = False) -> str:
        """Create an upload and return its id. The object gets the `fingerprint`, which `find_completed` returns.

        `with_checksums`: every part and the completion come with a CRC-32, which the store checks and keeps. MinIO does
        not copy parts into such an upload. Raises `Unsupported` if the store does not support checksums.
        """
        response = await self._call(
            f"creating the upload of {key!r}",
            self._client.create_multipart_upload,
            Key=key,
            ContentType=content_type,
            Metadata={FINGERPRINT_METADATA: fingerprint} if fingerprint else {},
            **(CHECKSUM_PARAMETERS if with_checksums else {}),
        )
        return _required(response, "UploadId")

    async def upload_part(
        self, key: str, upload_id: str, number: int, body: Buffer | PartBuffer, crc32: int | None = None
    ) -> str:
        """Upload part `number` (1 to 10,000) and return its ETag. A part that exists is replaced.

        The store checks the bytes against the `crc32`, if one is given.
        `body` is sent without a copy: do not change it before this returns or raises, even when this is cancelled.
        Raises `UploadGone` if the upload does not exist, `BodyStalled` if the bytes of the body do not arrive.
        """
        parameters = {"Bucket": self._bucket.name, "Key": key, "UploadId": upload_id, "PartNumber": number}
        parameters |= {} if crc32 is None else {"ChecksumCRC32": encode(crc32)}
        return await self._bucket.call_with_retry(
            f"uploading part {number} of {key!r}", lambda: self._put_client.put("upload_part", parameters, body)
        )

    async def copy_part(
        self, key: str, upload_id: str, number: int, source: str, etag: str, start: int, stop: int
    ) -> str:
        """Let the store copy the bytes `start` to `stop` of the object `source` into part `number`; return its ETag.

        Raises `SourceChanged` if the source does not have this ETag, `ObjectMissing`, `UploadGone`, and any error that
        the store returns in the body of a 200 (Amazon S3 API, "UploadPartCopy").
        """
        response = await self._call(
            f"copying {source!r} into part {number} of {key!r}",
            self._long_timeout_client.upload_part_copy,
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            CopySource={"Bucket": self._bucket.name, "Key": source},
            CopySourceIfMatch=etag,
            CopySourceRange=f"bytes={start}-{stop - 1}",
        )
        return quoted(_required(response.get("CopyPartResult", {}), "ETag"))

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]], checksums: PartChecksums | None = None
    ) -> str:
        """Complete the upload from its parts (number, ETag), given in any order, and return the object's ETag.

        `checksums` are required if the upload was created `with_checksums`.

        Raises `UploadGone` if the upload does not exist, which may mean that it was completed before: check the object;
        `UploadUnusable` if parts are missing. Also raises an error that the store returns in the body of a 200, which S3
        allows.
        """
        response = await self._call(
            f"completing the upload of {key!r}",
            self._long_timeout_client.complete_multipart_upload,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={
                "Parts": [
                    {"PartNumber": number, "ETag": etag} | (checksums.of_part(number) if checksums else {})
                    for number, etag in sorted(parts)
                ]
            },
            **(checksums.of_object() if checksums else {}),
        )
        return quoted(_required(response, "ETag"))

    async def find_completed(self, key: str) -> CompletedObject | None:
        """Return the object that an upload was completed to, or None if there is no such object."""
        try:
            response = await self._call(f"checking {key!r}", self._client.head_object, no_body=True, Key=key)
        except ObjectMissing:
            return None
        fingerprint = response["Metadata"].get(FINGERPRINT_METADATA, "")
        return CompletedObject(response["ContentLength"], quoted(_required(response, "ETag")), fingerprint)

    async def abort(self, key: str, upload_id: str) -> None:
        """Abort an upload and delete its parts; no error if it does not exist."""
        with contextlib.suppress(UploadGone):
            await self._call(
                f"aborting the upload of {key!r}", self._client.abort_multipart_upload, Key=key, UploadId=upload_id
            )

    async def list_uploads(self, prefix: str) -> list[UploadInfo]:
        """Return the uploads in progress whose key begins with `prefix`.

        MinIO only lists those whose whole key is `prefix`; it aborts incomplete uploads by itself, after a day.
        """
        pages = self._client.get_paginator("list_multipart_uploads").paginate
        uploads: list[UploadInfo] = await self._call(
            "listing uploads", lambda **bucket: list(_uploads(pages(**bucket, Prefix=prefix)))
        )
        return uploads

    async def list_parts(self, key: str, upload_id: str) -> list[PartInfo]:
        """Return the parts that the store has of an upload, by number. Raises `UploadGone` if it does not exist.

        Stores do not agree on whether they list the checksums of parts: SeaweedFS does not. It also lists parts that were
        replaced: the one that counts is the last one of its number here.
        """
        pages = self._client.get_paginator("list_parts").paginate
        parts: list[PartInfo] = await self._call(
            f"listing the parts of {key!r}",
            lambda **bucket: [
                PartInfo(part["PartNumber"], quoted(part["ETag"]), part["Size"])
                for part in sorted(
                    (part for page in pages(**bucket, Key=key, UploadId=upload_id) for part in page.get("Parts", ())),
                    key=lambda part: (part["PartNumber"], part["LastModified"]),
                )
            ],
        )
        return parts

    async def close(self) -> None:
        """End the threads and close the connections."""
        await self._threads.close()
        self._client.close()
        self._long_timeout_client.close()

    async def _call(self, action: str, call: Callable[..., Any], *, no_body: bool = False, **parameters: Any) -> Any:
        parameters["Bucket"] = self._bucket.name
        return await self._bucket.call_with_retry(
            action, lambda: self._threads.run(call, **parameters), no_body=no_body
        )


def _uploads(pages: Any) -> Iterator[UploadInfo]:
    for page in pages:
        for upload in page.get("Uploads", ()):
            yield UploadInfo(upload["Key"], upload["UploadId"], upload["Initiated"])


def _required(response: dict[str, Any], name: str) -> str:
    """Return a field that every valid response has; a proxy's error page with status 200 does not."""
    value = response.get(name)
    if not isinstance(value, str) or not value:
        message = f"The store's response has no {name}."
        raise StorageFault(message)
    return value
