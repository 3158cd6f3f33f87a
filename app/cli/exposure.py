"""What dependencies leave open, and what makes credentials and links fail later, for `haulage check`."""

from __future__ import annotations

import asyncio
from email.utils import parsedate_to_datetime
from time import time as local_time
from urllib.parse import quote, urlsplit

import httpx2

from app.access.key_sets import FETCH_TIMEOUT, UNUSABLE, issuer_client, read_keys
from jobs.access.keys import list_keys
from jobs.errors import HaulageError
from jobs.files.catalogue import list_files
from jobs.services import Services
from jobs.settings import Settings

MAX_SKEW = 5.0
"""Seconds between two clocks that are odd. Tokens are accepted 30 s early or late, signatures of S3 15 minutes."""


async def find_public_bucket(services: Services) -> list[str]:
    """A sentence for each thing that the store lets everybody do with the bucket: it is tried without credentials.

    Whether files can be read is tried with the first one of the catalogue. Empty if the store can't be reached.
    """
    settings, found = services.settings, []
    bucket = bucket_url(settings)
    async with issuer_client(settings.s3_ca_file) as client:
        try:
            listing = await client.get(f"{bucket}?list-type=2&max-keys=1")
            if listing.status_code == httpx2.codes.OK and b"<ListBucketResult" in listing.content:
                found.append(
                    f"S3_BUCKET_NAME is {settings.s3_bucket_name}, which everybody can list at {settings.s3_endpoint}:"
                    " remove the policy or ACL that allows it."
                )
            for file in await list_files(services.database, None, None, 0, 1):
                url = f"{bucket}/{quote(file.key)}"
                async with client.stream("GET", url, headers={"Range": "bytes=0-0"}) as response:
                    if response.is_success:
                        found.append(
                            f"S3_BUCKET_NAME is {settings.s3_bucket_name}, whose files everybody can read at"
                            f" {settings.s3_endpoint}, whatever their visibility: remove the policy or ACL that allows it."
                        )
        except (httpx2.HTTPError, HaulageError):
            pass  # the lines of storage and database say why
    return found


def bucket_url(settings: Settings) -> str:
    """Where the bucket is, for requests that are not signed."""
    endpoint = urlsplit(settings.s3_endpoint)
    if settings.s3_force_path_style:
        return f"{endpoint.scheme}://{endpoint.netloc}/{settings.s3_bucket_name}"
    return f"{endpoint.scheme}://{settings.s3_bucket_name}.{endpoint.netloc}"


async def find_warnings(services: Services) -> list[str]:
    """A sentence for each thing that works now, and will surprise later. Empty if there is nothing."""
    found = await asyncio.gather(_database_clock(services), _store_clock(services.settings), _keys(services))
    return [*(one for one in found if one), *await _issuers(services.settings), *await _intake(services.settings)]


async def _database_clock(services: Services) -> str | None:
    try:
        before = local_time()
        there = await services.database.now()
    except HaulageError:
        return None
    return skew_of("PostgreSQL", there.timestamp(), before, local_time())


async def _store_clock(settings: Settings) -> str | None:
    async with issuer_client(settings.s3_ca_file) as client:
        try:
            before = local_time()
            response = await client.head(bucket_url(settings))
            there = parsedate_to_datetime(response.headers["Date"]).timestamp()
        except (httpx2.HTTPError, KeyError, ValueError):
            return None
    return skew_of("the store", there, before, local_time())


def skew_of(name: str, there: float, before: float, after: float) -> str | None:
    """A sentence about a clock that showed `there` at some time between `before` and `after`; None if it is right."""
    skew = there - min(max(there, before), after)
    if abs(skew) <= MAX_SKEW:
        return None
    return (
        f"The clock of {name} is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's: links, tokens and"
        " sessions expire at the wrong time, or are refused. Synchronise the clocks (NTP)."
    )


async def _keys(services: Services) -> str | None:
    if services.settings.auth_mode == "open":
        return None
    try:
        keys = await list_keys(services.database)
    except HaulageError:
        return None
    count = sum(key.expires_at is None and key.revoked_at is None for key in keys)
    return (
        f"{count} API keys never expire: see `haulage keys list`, and replace those that need not." if count else None
    )


async def _intake(settings: Settings) -> list[str]:
    """A sentence if forms are redirected to where no intake responds."""
    if settings.intake_url is None:
        return []
    async with issuer_client(settings.issuer_ca_file) as client:
        try:
            async with asyncio.timeout(FETCH_TIMEOUT):
                response = await client.get(f"{settings.intake_url}/health/live")
            reason = None if response.is_success else f"status {response.status_code}"
        except (httpx2.HTTPError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
    if reason is None:
        return []
    where = f"INTAKE_URL, which is {settings.intake_url} ({reason})"
    return [f"No intake responds at {where}: forms that are sent to the gateway fail. Run `haulage intake`."]


async def _issuers(settings: Settings) -> list[str]:
    """A sentence for each issuer whose tokens, or whose users, would be refused now."""
    if settings.auth_mode == "open":
        return []
    urls: dict[str, str | None] = dict(settings.jwt_issuers)
    if settings.oidc_issuer is not None:
        urls.setdefault(settings.oidc_issuer, None)
    found = []
    async with issuer_client(settings.issuer_ca_file) as client:
        for issuer, url in urls.items():
            try:
                async with asyncio.timeout(FETCH_TIMEOUT):
                    keys = await read_keys(client, issuer, url)
            except UNUSABLE as error:
                reason = str(error) or type(error).__name__
                found.append(f"The keys of {issuer} can't be read ({reason}): its tokens and sign-ins are refused.")
                continue
            if not keys:
                found.append(f"{issuer} publishes no key that can be used: its tokens and sign-ins are refused.")
    return found
