"""Access control of one server, gateway or intake: what belongs together for as long as it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Self

from app.access.authenticator import Authenticator
from app.access.bearer_tokens import BearerTokens
from app.access.failed_attempts import FailedAttempts
from app.access.grant_issuers import GrantIssuers
from app.access.guard import Guard
from app.access.job_owners import JobOwners
from app.access.oidc import OpenIdProvider
from app.access.plans import Plans
from app.access.quotas import Quotas
from app.access.refusal_counts import RefusalCounts
from app.access.revocations import Revocations
from app.access.share_links import ShareLinks
from app.access.verdicts import Verdicts
from app.public_address import PublicAddress
from jobs.access.users import ADOPTED
from jobs.concurrency import cancel_and_wait
from jobs.errors import DatabaseUnavailable
from jobs.services import Services
from jobs.settings import Settings


class AccessControl:
    """The guard, and what keeps it up to date."""

    def __init__(self, settings: Settings, address: PublicAddress, services: Services) -> None:
        self._revocations = Revocations(services.database, self._revoked)
        self._verdicts = Verdicts()
        self._feed = services.feed
        self._owners = JobOwners(services.database)
        self.on_revoked: Callable[[Collection[str]], None] = lambda _: None
        """Called with what was revoked: streams of principals whose access has ended or changed are to be closed."""
        self.openid = (
            None if settings.oidc_issuer is None else OpenIdProvider(settings, f"{address.url}/sign-in/oidc/callback")
        )
        """At which users of the page sign in, if there is one."""
        self._tokens = BearerTokens(settings, GrantIssuers(services.database, settings.jwt_audience))
        self.failed_attempts = FailedAttempts(settings.failed_attempts_per_minute)
        authenticator = Authenticator(
            settings,
            address,
            services.database,
            self._revocations,
            self._verdicts,
            self.failed_attempts,
            self._tokens.principal,
        )
        self.shares = ShareLinks(services.database, settings.link_ttl, self.failed_attempts)
        self.plans = Plans(settings)
        self.quotas = Quotas(settings, self.plans, services)
        self.refusals = RefusalCounts(services.database)
        self.guard = Guard(settings, authenticator, self._owners, self.shares, self.quotas)

    @classmethod
    @asynccontextmanager
    async def running(cls, settings: Settings, address: PublicAddress, services: Services) -> AsyncIterator[Self]:
        """Access control with what was revoked so far, which counts requests until the block ends."""
        access = cls(settings, address, services)
        with suppress(DatabaseUnavailable):  # then it is read later, as soon as that is possible
            await access.refresh()
        counting = [asyncio.create_task(access.quotas.run()), asyncio.create_task(access.refusals.run())]
        try:
            yield access
        finally:
            await cancel_and_wait(*counting)
            with suppress(DatabaseUnavailable):
                await access.refusals.report()
            await access.close()

    async def announce_revocation(self) -> None:
        """Makes this gateway read what was just revoked, and the others at once: they read it within two seconds anyway."""
        await self.refresh()
        await self._feed.announce()

    async def close(self) -> None:
        """Ends what is in progress."""
        await self._tokens.close()
        if self.openid is not None:
            await self.openid.close()

    async def refresh(self) -> None:
        """Reads what was revoked since the last time. Raises `DatabaseUnavailable`."""
        if not self.guard.authenticator.is_open:
            await self._revocations.refresh()

    def _revoked(self, revoked: Collection[str]) -> None:
        self._verdicts.discard(revoked)
        if ADOPTED in revoked:
            self._owners.forget()
        self.on_revoked(revoked)
