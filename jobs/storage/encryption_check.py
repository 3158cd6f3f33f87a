"""The test of the store's encryption at rest: parts that are read back, and an object of an earlier test."""

from __future__ import annotations

from contextlib import suppress

from jobs.errors import HaulageError, ObjectMissing, StorageFault
from jobs.storage.bucket import Bucket
from jobs.storage.encryption import PROBE_KEY
from jobs.storage.multipart import MultipartUploads
from jobs.storage.objects import Objects

MIB = 1 << 20
MARKER_KEY = "haulage/encrypted"
"""A small object that stays: it can be read as long as the store has the key with which it was written."""
MARKER = b"This object shows that the store still has the key with which it encrypts.\n"
TYPE = "application/octet-stream"


async def check_encryption(bucket: Bucket, objects: Objects, multipart: MultipartUploads) -> str:
    """Return what people have to know about the encryption of the bucket, after a test of it.

    Raises the `Storage…` errors, and `StorageFault` if the store does not return what it has encrypted.
    """
    found = await bucket.default_encryption()
    if found.refusal is not None:
        return f"unknown: the store does not say how it encrypts ({found.refusal})"
    if found.algorithm is None:
        return (
            "off: files are stored as they are. `haulage migrate --create-bucket` turns it on, if the store has a key"
        )
    await _check_parts(objects, multipart)
    await _check_marker(objects)
    return f"{found.algorithm}, and what was written could be read"


async def _check_parts(objects: Objects, multipart: MultipartUploads) -> None:
    """Write an object in two parts, and read a range over their seam."""
    first, second = bytes(range(256)) * (5 * MIB // 256), bytes(reversed(range(256))) * 4
    upload_id = await multipart.create(PROBE_KEY, TYPE)
    try:
        etags = [
            (number, await multipart.upload_part(PROBE_KEY, upload_id, number, part))
            for number, part in ((1, first), (2, second))
        ]
        await multipart.complete(PROBE_KEY, upload_id, etags)
    except HaulageError:
        with suppress(HaulageError):
            await multipart.abort(PROBE_KEY, upload_id)
        raise
    info = await objects.head(PROBE_KEY)
    seam = len(first)
    read = objects.read(PROBE_KEY, info.etag, seam - 100, seam + 100)
    around = b"".join([chunk async for chunk in read])
    await objects.delete([PROBE_KEY])
    if around != first[-100:] + second[:100]:
        raise StorageFault("The store returns other bytes than it has encrypted: do not use its encryption.")


async def _check_marker(objects: Objects) -> None:
    """Read what an earlier check has written, or write it."""
    try:
        info = await objects.head(MARKER_KEY)
        read = objects.read(MARKER_KEY, info.etag, 0, info.size)
        content = b"".join([chunk async for chunk in read])
    except ObjectMissing:
        await objects.put(MARKER_KEY, MARKER, TYPE)
        return
    except HaulageError as error:
        content, reason = b"", error.message
    else:
        reason = "other bytes are returned"
    if content != MARKER:
        raise StorageFault(
            f"The store does not return {MARKER_KEY!r}, which was encrypted earlier ({reason}): it has another key now."
            " Files that were stored before cannot be read either. Start the store with its former key."
        )
