"""The one polling loop of the tests: for what is seen only by asking for it repeatedly."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds within which anything that a test waits for has happened, even on a busy machine."""
INTERVAL = 0.02


@overload
async def eventually(probe: Callable[[], Awaitable[T]], *, patience: float = ..., interval: float = ...) -> T: ...


@overload
async def eventually(probe: Callable[[], T], *, patience: float = ..., interval: float = ...) -> T: ...


async def eventually(probe: Callable[[], Any], *, patience: float = PATIENCE, interval: float = INTERVAL) -> Any:
    """Calls `probe` every `interval` seconds until its result is true, and returns that result.

    Use it only where no event, condition or log line signals the change. Raises `TimeoutError` after `patience` seconds.
    """
    try:
        async with asyncio.timeout(patience):
            while True:
                result = probe()
                if inspect.isawaitable(result):
                    result = await result
                if result:
                    return result
                await asyncio.sleep(interval)
    except TimeoutError:
        raise TimeoutError(f"{getattr(probe, '__qualname__', probe)} was not true within {patience:g} s") from None
