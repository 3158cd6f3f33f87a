"""Deflate by ISA-L: a fraction of zlib's time at its default level, for a few per cent more bytes."""

from __future__ import annotations

from typing import Any

from isal import isal_zlib

from jobs.bundles.format.deflated_plan import max_deflated_size, stored_blocks
from jobs.storage.crc32 import Buffer

LEVEL = 1
_RAW = -15
"""The `wbits` of a raw deflate stream with the largest window: without the header and trailer of zlib or gzip."""


def deflate(data: Buffer, *, last: bool) -> bytes:
    """One chunk of a raw deflate stream. It ends on a byte boundary and does not refer to earlier chunks.

    `last` ends the stream. The result has at most `max_deflated_size(len(data))` bytes.
    """
    compressor: Any = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW)
    flush = isal_zlib.Z_FINISH if last else isal_zlib.Z_FULL_FLUSH
    deflated: bytes = compressor.compress(data) + compressor.flush(flush)
    return deflated if len(deflated) <= max_deflated_size(len(data)) else stored_blocks(data, last=last)
