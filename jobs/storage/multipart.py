"""Multipart uploads, call by call: parts in any order, by any attempt, from any process that knows the upload's id."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.errors import ObjectMissing, StorageFault
from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import Buffer, combine, written
from jobs.storage.error_translation import UploadGone
from jobs.storage.etags import quoted
from jobs.storage.part_buffer import Filling
from jobs.storage.put_client import Sender
from jobs.storage.threads import Threads

MARK = "haulage-plan"
"""The user's metadata, `x-amz-meta-haulage-plan`, that tells which plan an object was made by."""


CHECKED: dict[str, Any] = {"ChecksumAlgorithm": "CRC32", "ChecksumType": "FULL_OBJECT"}


@dataclass(frozen=True, slots=True)
class Checksums:
    """CRC-32 and length in bytes of the parts of an upload, by their numbers."""

    parts: Mapping[int, tuple[int, int]]

    def of(self, number: int) -> dict[str, str]:
        """What the completion says of one part."""
        return {"ChecksumCRC32": written(self.parts[number][0])}

    def whole(self) -> dict[str, Any]:
        """What it says of the object."""
        crc32 = combine(self.parts[number] for number in sorted(self.parts))
        return {"ChecksumCRC32": written(crc32), "ChecksumType": CHECKED["ChecksumType"]}


@dataclass(frozen=True, slots=True)
class UploadInfo:
    """What the store knows about an upload under way."""

    key: str
    id: str
    began_at: datetime
    """UTC."""


@dataclass(frozen=True, slots=True)
class Completed:
    """An object that was made of parts. Size in bytes."""

    size: int
    etag: str
    mark: str


class Uploads:
    """The multipart uploads of the bucket. Every method may raise the `Storage…` errors."""

    def __init__(self, bucket: Bucket, sender: Sender, client: Any, patient_client: Any) -> None:
        """`client` is a botocore client, `patient_client` the one for completing, which takes a store long."""
        self._bucket = bucket
        self._sender = sender
        self._client = client
        self._patient_client = patient_client
        self._threads = Threads(16, "storage-uploads")

    async def create(self, key: str, content_type: str, mark: str = "", *, checked: bool = False) -> str:
        """Begin an upload and return its id. The object that it becomes has the `mark`, which `find` tells.

        `checked`: every part and the completion come with a CRC-32, which the store checks and keeps. MinIO refuses to
        copy parts into such an upload. Raises `Unsupported` when the store says that it can't do it.
        """
        answer = await self._call(
            f"beginning the upload of {key!r}",
            self._client.create_multipart_upload,
            Key=key,
            ContentType=content_type,
            Metadata={MARK: mark} if mark else {},
            **(CHECKED if checked else {}),
        )
        return _field(answer, "UploadId")

    async def upload_part(
        self, key: str, upload_id: str, number: int, body: Buffer | Filling, crc32: int | None = None
    ) -> str:
        """Send part `number` (1 to 10,000) and return its ETag. Sent again, it replaces the part.

        The store checks the bytes against the `crc32`, if one is given.
        `body` is sent without a copy: leave it as it is until this returns or raises, also when it is cancelled.
        Raises `UploadGone` when the store does not know the upload, `Starved` when the bytes don't come in.
        """
        parameters = {"Bucket": self._bucket.name, "Key": key, "UploadId": upload_id, "PartNumber": number}
        parameters |= {} if crc32 is None else {"ChecksumCRC32": written(crc32)}
        return await self._bucket.ask(
            f"sending part {number} of {key!r}", lambda: self._sender.send("upload_part", parameters, body)
        )

    async def copy_part(
        self, key: str, upload_id: str, number: int, source: str, etag: str, start: int, stop: int
    ) -> str:
        """Let the store copy bytes `start` to `stop` of the object `source` into part `number`; return its ETag.

        Raises `SourceChanged` when the source is not the one with this ETag, `ObjectMissing`, `UploadGone`, and
        whatever the store puts into the body of a 200 (Amazon S3 API, "UploadPartCopy").
        """
        answer = await self._call(
            f"copying {source!r} into part {number} of {key!r}",
            self._patient_client.upload_part_copy,
            Key=key,
            UploadId=upload_id,
            PartNumber=number,
            CopySource={"Bucket": self._bucket.name, "Key": source},
            CopySourceIfMatch=etag,
            CopySourceRange=f"bytes={start}-{stop - 1}",
        )
        return quoted(_field(answer.get("CopyPartResult", {}), "ETag"))

    async def complete(
        self, key: str, upload_id: str, parts: Sequence[tuple[int, str]], checksums: Checksums | None = None
    ) -> str:
        """Make the object of its parts (number, ETag), given in any order, and return its ETag.

        `checksums` are those of an upload that was created as `checked`.

        Raises `UploadGone` when the store does not know the upload, which may mean that it was completed before: look
        at the object; `UploadUnusable` when it has not got the parts. Also raises when the store says 200 and puts an
        error into the body, which S3 allows itself.
        """
        answer = await self._call(
            f"completing the upload of {key!r}",
            self._patient_client.complete_multipart_upload,
            Key=key,
            UploadId=upload_id,
            MultipartUpload={
                "Parts": [
                    {"PartNumber": number, "ETag": etag} | (checksums.of(number) if checksums else {})
                    for number, etag in sorted(parts)
                ]
            },
            **(checksums.whole() if checksums else {}),
        )
        return quoted(_field(answer, "ETag"))

    async def find(self, key: str) -> Completed | None:
        """What an upload has become, or None when there is no such object."""
        try:
            answer = await self._call(f"looking at {key!r}", self._client.head_object, mute=True, Key=key)
        except ObjectMissing:
            return None
        return Completed(answer["ContentLength"], quoted(_field(answer, "ETag")), answer["Metadata"].get(MARK, ""))

    async def abort(self, key: str, upload_id: str) -> None:
        """Give up an upload and its parts; fine when it is not there any more."""
        with contextlib.suppress(UploadGone):
            await self._call(
                f"aborting the upload of {key!r}", self._client.abort_multipart_upload, Key=key, UploadId=upload_id
            )

    async def list_uploads(self, prefix: str) -> list[UploadInfo]:
        """The uploads under way whose key begins with `prefix`.

        MinIO only finds those whose whole key is `prefix`; it drops forgotten uploads by itself, after a day.
        """
        pages = self._client.get_paginator("list_multipart_uploads").paginate
        uploads: list[UploadInfo] = await self._call(
            "listing uploads", lambda **bucket: list(_uploads(pages(**bucket, Prefix=prefix)))
        )
        return uploads

    async def close(self) -> None:
        """End the threads and the connections."""
        await self._threads.close()
        self._client.close()
        self._patient_client.close()

    async def _call(self, action: str, call: Callable[..., Any], *, mute: bool = False, **parameters: Any) -> Any:
        parameters["Bucket"] = self._bucket.name
        return await self._bucket.ask(action, lambda: self._threads.run(call, **parameters), mute=mute)


def _uploads(pages: Any) -> Iterator[UploadInfo]:
    for page in pages:
        for upload in page.get("Uploads", ()):
            yield UploadInfo(upload["Key"], upload["UploadId"], upload["Initiated"])


def _field(answer: dict[str, Any], name: str) -> str:
    """A field that no good answer lacks; a proxy's page with status 200 does."""
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        message = f"The store's answer has no {name}."
        raise StorageFault(message)
    return value
