"""Calls to the store that may be made again within an attempt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from jobs.domain.errors import StorageDown, StorageOut, StorageTimeout, StorageUnreachable

PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a part is uploaded, or the upload completed, again within the attempt."""


async def again(call: Callable[[], Awaitable[str]]) -> str:
    """Does what may be done twice again after a broken connection, or when the store says that it can't now."""
    for pause in PAUSES:
        try:
            return await call()
        except StorageOut:
            raise
        except (StorageDown, StorageUnreachable, StorageTimeout):
            await asyncio.sleep(pause)
    return await call()
