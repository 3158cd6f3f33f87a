"""Sends what is due. Every worker does, beside its jobs and apart from them: sending takes none of their slots."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import time

import httpcore2
import structlog

from jobs.concurrency import cancel_and_wait
from jobs.database import Database
from jobs.egress.guard import Egress
from jobs.egress.retry_after import retry_after
from jobs.errors import EgressFailed, EgressRefused, HaulageError, InvalidUrl
from jobs.webhooks.deliveries import MAX_DETAIL, Due, claim_due, finish, give_up_old
from jobs.webhooks.outcomes import Attempt, Outcome
from jobs.webhooks.recording import BATCH, delete_old_messages
from jobs.webhooks.signatures import signature_headers

log = structlog.get_logger()

INTERVAL = 1.0
"""Seconds between two looks for what is due, while nothing is sent."""
AT_ONCE_OF_ALL = 32
"""Requests that one worker sends at once."""
TIMEOUT = 20.0
"""Seconds that a request may take, from the connection to the end of the response (Standard Webhooks 1.0: 15 to 30)."""
LEASE = 60.0
"""Seconds after which a delivery is due again whose worker has died."""
CLEANUP_INTERVAL = 600.0
"""Seconds between two clean-ups of old messages."""


class Sender:
    """Sends due deliveries, `AT_ONCE` to each endpoint at once, so that a slow one does not hold up others."""

    def __init__(self, database: Database, egress: Egress, clock: Callable[[], float] = time) -> None:
        self._database = database
        self._egress = egress
        self._clock = clock
        self._sending: dict[asyncio.Task[None], str] = {}
        """What is being sent, with its endpoint."""

    async def run(self) -> None:
        """Sends until it is cancelled. What is being sent then is sent again later, by any worker."""
        cleanup = asyncio.create_task(self._clean_up_regularly())
        try:
            while True:
                try:
                    await self.send_due()
                except HaulageError as error:
                    log.warning("webhooks_failed", reason=error.message)
                except Exception:
                    log.exception("webhooks_failed")
                await self._pause()
        finally:
            await cancel_and_wait(cleanup, *self._sending)

    async def _pause(self) -> None:
        if self._sending:
            await asyncio.wait(self._sending, timeout=INTERVAL, return_when=asyncio.FIRST_COMPLETED)
        else:
            await asyncio.sleep(INTERVAL)

    async def send_due(self) -> int:
        """Starts to send what is due and has room. Returns how many that is. Raises `DatabaseUnavailable`."""
        free = AT_ONCE_OF_ALL - len(self._sending)
        if not free:
            return 0
        claimed = await claim_due(self._database, set(self._sending.values()), free, LEASE)
        for due in claimed:
            task = asyncio.create_task(self._deliver(due))
            self._sending[task] = due.endpoint_id
            task.add_done_callback(self._sending.pop)
        return len(claimed)

    async def flush(self) -> None:
        """Waits until what is being sent was sent, or has failed."""
        while self._sending:
            await asyncio.wait(self._sending)

    async def _deliver(self, due: Due) -> None:
        attempt = await self._attempt(due)
        found = {"endpoint": due.endpoint_id, "message": due.message_id, "status": attempt.status}
        if attempt.outcome is Outcome.DELIVERED:
            log.info("delivery_completed", **found)
        else:
            log.info("delivery_failed", **found, outcome=attempt.outcome)
        try:
            await finish(self._database, due, attempt)
        except HaulageError as error:  # it is sent again
            log.warning("webhooks_failed", endpoint=due.endpoint_id, reason=error.message)

    async def _attempt(self, due: Due) -> Attempt:
        body = due.body.encode()
        headers = signature_headers(due.keys, due.message_id, int(self._clock()), body)
        response: httpcore2.Response | None = None
        start = bytearray()
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._egress.check_tls(due.url)
                async with self._egress.stream(
                    "POST", due.url, {"Content-Type": "application/json", **headers}, body, seconds=TIMEOUT
                ) as response:
                    async for block in response.aiter_stream():
                        start += block
                        if len(start) >= MAX_DETAIL:  # the rest is not read
                            break
        except TimeoutError:
            reason = f"The response took longer than {TIMEOUT:g} s."
        except (EgressRefused, EgressFailed, InvalidUrl) as error:
            reason = error.message
        else:
            reason = ""
        if response is None:
            return Attempt(None, reason)
        # Its status counts, also if its body was cut off or did not end: the endpoint has judged the message.
        return Attempt(response.status, _text_of(start) or reason, self._retry_after(response))

    def _retry_after(self, response: httpcore2.Response) -> float | None:
        """Seconds that the endpoint asks for (RFC 9110, section 10.2.3)."""
        for name, value in response.headers:
            if name.lower() == b"retry-after":
                return retry_after(value.decode("latin-1"), self._clock())
        return None

    async def clean_up(self) -> None:
        """Gives up what has waited for too long, and deletes old messages. Raises `DatabaseUnavailable`."""
        for clean_up in (give_up_old, delete_old_messages):
            while await clean_up(self._database) == BATCH:
                pass

    async def _clean_up_regularly(self) -> None:
        while True:
            await asyncio.sleep(CLEANUP_INTERVAL)
            try:
                await self.clean_up()
            except HaulageError as error:
                log.warning("webhooks_failed", reason=error.message)


def _text_of(body: bytes | bytearray) -> str:
    """The start of a body, as text that PostgreSQL can store."""
    return body[:MAX_DETAIL].decode("utf-8", "replace").replace("\0", "\ufffd")
