"""Deflate by ISA-L: a fraction of the time that zlib takes at its usual level, for a few per cent more bytes."""

from __future__ import annotations

from typing import Any

from isal import isal_zlib

from jobs.bundles.format.deflated_plan import at_most, stored_blocks
from jobs.storage.crc32 import Buffer

LEVEL = 1
_RAW = -15
"""The largest window, and neither zlib's nor gzip's frame around it."""


def deflate(data: Buffer, *, last: bool) -> bytes:
    """A piece of a raw deflate stream, which ends at a byte and refers to nothing before it; the stream's `last` or not.

    It has `deflating.at_most` bytes at most.
    """
    squeezer: Any = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, _RAW)
    end = isal_zlib.Z_FINISH if last else isal_zlib.Z_FULL_FLUSH
    deflated: bytes = squeezer.compress(data) + squeezer.flush(end)
    return deflated if len(deflated) <= at_most(len(data)) else stored_blocks(data, last=last)
