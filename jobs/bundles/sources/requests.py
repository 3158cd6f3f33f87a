"""Requests for files, through the guard. Redirects are followed, and each hop is checked like the first one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urljoin

import httpcore2

from jobs.bundles.sources.responses import REDIRECTS, headers_of
from jobs.egress.guard import Egress
from jobs.errors import (
    EgressFailed,
    EgressRefused,
    EgressTimeout,
    InvalidUrl,
    SourceRejected,
    SourceTooSlow,
    SourceUnavailable,
)

MAX_REDIRECTS = 5


@asynccontextmanager
async def opened(
    egress: Egress, url: str, headers: Mapping[str, str], seconds: float
) -> AsyncIterator[httpcore2.Response]:
    """Yield the response to a GET that is no redirect, before its body is read.

    `seconds` bounds the connecting, and each wait for a byte. Raises `SourceRejected` for a URL, or a redirect, to which no
    request may be sent, and `SourceUnavailable` if the host does not respond, or the connection breaks within the context.
    """
    # Not kept: what a host sends after a response must never be read as the start of one to somebody else's request.
    headers = {"Accept-Encoding": "identity", "Connection": "close", **headers}
    try:
        for _ in range(1 + MAX_REDIRECTS):
            await egress.check_tls(url)
            async with egress.stream("GET", url, headers, seconds=seconds) as response:
                location = headers_of(response.headers).get("location")
                if response.status not in REDIRECTS or location is None:
                    yield response
                    return
            url = _target(url, location)
        raise SourceRejected(f"it was redirected more than {MAX_REDIRECTS} times")
    except (EgressRefused, InvalidUrl) as error:
        raise SourceRejected(error.message.rstrip(".")) from error
    except EgressTimeout as error:
        raise SourceTooSlow(error.message) from error
    except EgressFailed as error:
        raise SourceUnavailable(error.message) from error


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise InvalidUrl(f"The redirect is not valid: {error}") from error
