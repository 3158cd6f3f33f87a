"""Checks of the URLs that a download is to fetch, before it is created."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from app.context import context
from app.request_bodies import FileSelection
from app.requests import summary
from app.validation import Problem
from jobs.concurrency import map_limited
from jobs.errors import EgressFailed, EgressRefused, InvalidRequest, InvalidUrl

CHECKED_AT_ONCE = 16
"""Hosts that are looked up at the same time."""


async def check_urls(request: Request, selection: FileSelection) -> None:
    """Raises `InvalidRequest` with every URL of the selection to which no request may be sent, or with all if that is off.

    Each host is looked up once. A worker checks each request by itself, whatever was found here.
    """
    sources = selection.sources()
    if not sources:
        return
    services = context(request).services
    if services.settings.url_sources == "off":
        _refuse(dict.fromkeys(sources, "URLs are not fetched here; an operator can allow it by URL_SOURCES"))
    firsts: dict[tuple[str, str], str] = {}
    for source in sources.values():
        firsts.setdefault(_origin(source.url), source.url)

    async def problem_of(url: str) -> str | None:
        try:
            await services.egress.check_now(url)
        except (EgressRefused, InvalidUrl) as error:
            return error.message
        except EgressFailed:  # the look-up may succeed later
            pass
        return None

    found = await map_limited(problem_of, firsts.values(), CHECKED_AT_ONCE)
    problems = dict(zip(firsts, found, strict=True))
    _refuse({index: text for index, source in sources.items() if (text := problems[_origin(source.url)]) is not None})


def refuse_urls(selection: FileSelection) -> None:
    """Raises `InvalidRequest` with every URL of the selection, where only files of the catalogue are possible."""
    _refuse(dict.fromkeys(selection.sources(), "can't be checked before it is fetched: send only ids of files"))


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or ""


def _refuse(texts: dict[int, str]) -> None:
    problems: list[Problem] = [(f"files[{index}].url", text) for index, text in texts.items()]
    if problems:
        raise InvalidRequest(summary("request", problems), problems)
