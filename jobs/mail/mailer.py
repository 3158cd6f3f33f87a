"""Mails notices to operators: the first at once, and then at most one mail in five minutes, with what has come since.

Workers and gateways do, since without any worker nobody else would say so. One process at a time sends, under a lease. A
mail is recorded as sent once the server has accepted it: only a process that dies between these two sends one twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta

import structlog

from jobs.concurrency import cancel_and_wait
from jobs.database import Database
from jobs.errors import DatabaseUnavailable, HaulageError, MailFailed
from jobs.mail.digests import (
    Claim,
    Digest,
    claim_mail,
    find_failure,
    read_digest,
    record_failed,
    record_sent,
    release_mail,
    start_mail,
)
from jobs.mail.messages import digest_mail
from jobs.mail.smtp import QUIT_TIMEOUT, SmtpServer
from jobs.notices import Notice, NoticeKind, gather_reports
from jobs.settings import MailSettings

log = structlog.get_logger()

INTERVAL = 5.0
"""Seconds between two looks for what is to be mailed."""
PAUSE = 300
"""Seconds between two mails."""
FIRST_RETRY = 15.0
"""Seconds after which a mail that failed is tried again. They double with each failure, up to `PAUSE`."""
RECORD_TIME = 30.0
"""Seconds that the lease lasts longer than sending may take, to record what became of it."""
RECORD_INTERVAL = 1.0
"""Seconds between two attempts to record it."""
STOP_TIME = QUIT_TIMEOUT + 3.0
"""Seconds for which a process that stops waits for the mail that it is sending: also until it has recorded one that the
server has accepted but whose connection it does not end."""

Clock = Callable[[], Awaitable[datetime]]
Condition = Callable[[], Awaitable[Notice | None]]


class Mailer:
    """Sends what is due. `clock` returns the time, in UTC; by default the database's, which all processes share."""

    def __init__(self, database: Database, settings: MailSettings, site: str, clock: Clock | None = None) -> None:
        self._database = database
        self._server = SmtpServer(settings)
        self._site = site
        self._clock = clock or database.now
        self._lease = settings.smtp_timeout + RECORD_TIME
        self._started = False
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Sends until it is stopped, or cancelled."""
        while not self._stopping.is_set():
            try:
                await self.send_due()
            except HaulageError as error:
                log.warning("mail_failed", reason=error.message)
            except Exception:
                log.exception("mail_failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Ends `run` after the mail that is being sent."""
        self._stopping.set()

    async def send_due(self) -> bool:
        """Sends a mail if one is due. Returns whether it was sent. Raises `DatabaseUnavailable`."""
        now = await self._clock()
        if not self._started:
            await start_mail(self._database, now)
            self._started = True
        claim = await claim_mail(self._database, now, self._lease)
        if claim is None:
            return False
        await gather_reports(self._database)
        digest = await read_digest(self._database)
        if not digest.notices:
            await release_mail(self._database, claim)
            return False
        try:
            await self._server.send(digest_mail(digest, self._site, now, PAUSE // 60))
        except MailFailed as error:
            await self._record_failed(claim, error.message)
            return False
        except Exception as error:
            log.exception("mail_failed")
            await self._record_failed(claim, f"The mail could not be written or sent ({type(error).__name__}).")
            return False
        await self._record_sent(claim, digest)
        log.info("mail_completed", notices=len(digest.notices))
        return True

    async def _record_failed(self, claim: Claim, reason: str) -> None:
        """Records why the mail was not sent, and that it is tried again after a pause. Raises `DatabaseUnavailable`."""
        delay = min(FIRST_RETRY * float(1 << min(claim.failures, 20)), PAUSE)
        log.warning("mail_failed", reason=reason, retry_after=delay)
        await record_failed(self._database, claim, reason, await self._clock() + timedelta(seconds=delay))

    async def _record_sent(self, claim: Claim, digest: Digest) -> None:
        """Records it as soon as the database responds: until then, there is nothing else to send."""
        while True:
            try:
                return await record_sent(self._database, claim, digest, await self._clock(), PAUSE)
            except DatabaseUnavailable as error:
                log.warning("mail_record_failed", reason=error.message)
                await asyncio.sleep(RECORD_INTERVAL)

    async def failing(self) -> Notice | None:
        """The condition that the last mail could not be sent."""
        reason = await find_failure(self._database)
        if reason is None:
            return None
        return Notice(
            kind=NoticeKind.MAIL_FAILED,
            key=NoticeKind.MAIL_FAILED,
            message=f"Notices are not mailed: {reason} They are mailed once it works. `haulage check` tries it.",
        )


@asynccontextmanager
async def mailing(database: Database, settings: MailSettings, site: str | None) -> AsyncIterator[list[Condition]]:
    """Mails notices while the block runs, if `SMTP_URL` is set. Yields the conditions that are to be checked meanwhile.

    `site`: `PUBLIC_URL`.
    """
    if settings.smtp_url is None or site is None:
        yield []
        return
    mailer = Mailer(database, settings, site)
    task = asyncio.create_task(mailer.run())
    try:
        yield [mailer.failing]
    finally:
        mailer.stop()
        await asyncio.wait([task], timeout=STOP_TIME)
        await cancel_and_wait(task)
