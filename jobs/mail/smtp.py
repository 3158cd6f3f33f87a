"""The SMTP server of `SMTP_URL`. aiosmtplib is imported when it is needed: most processes send no mail."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from email.message import EmailMessage
from email.utils import make_msgid
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import structlog

from jobs.errors import InvalidRequest, MailFailed
from jobs.settings import MailSettings

if TYPE_CHECKING:
    from aiosmtplib import SMTP

log = structlog.get_logger()
T = TypeVar("T")

QUIT_TIMEOUT = 2.0
"""Seconds for the end of a connection. By then the mail is sent."""
_START_TLS = {"required": True, "auto": None, "off": False}
"""aiosmtplib's values; None uses STARTTLS if the server offers it."""


class SmtpServer:
    """Sends mails from `MAIL_FROM` to `MAIL_TO`, each over a connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        """Raises `InvalidRequest` without `SMTP_URL`."""
        if settings.smtp_url is None or settings.mail_from is None:
            raise InvalidRequest("SMTP_URL is not set, so no mail is sent. Set SMTP_URL, MAIL_FROM and MAIL_TO.")
        self._url = urlsplit(settings.smtp_url)
        self._settings = settings
        self._sender = settings.mail_from
        self.recipients = settings.mail_to
        self.address = f"{self._url.hostname}:{self._url.port}"
        """For messages: without user and password."""

    async def send(self, mail: EmailMessage) -> None:
        """Sends the mail. Raises `MailFailed` if no recipient was accepted; recipients that were refused are logged."""
        mail["From"] = self._sender
        mail["To"] = ", ".join(self.recipients)
        mail["Message-ID"] = make_msgid(domain=self._sender.rpartition("@")[2])
        refused, _ = await self._connected(lambda client: client.send_message(mail))
        for recipient, response in refused.items():
            log.warning("mail_rejected", recipient=recipient, reason=f"{response.code} {response.message}")

    async def check(self) -> str:
        """Connects, switches to TLS and signs in, as for a mail. Returns what it does. Raises `MailFailed`."""
        await self._connected(lambda client: client.noop())
        return f"notices go to {', '.join(self.recipients)}"

    async def _connected(self, call: Callable[[SMTP], Awaitable[T]]) -> T:
        """The result of `call`, within `SMTP_TIMEOUT` from the connection on. Raises `MailFailed`."""
        from aiosmtplib import SMTP, SMTPException  # noqa: PLC0415 - see above

        limit, url = self._settings.smtp_timeout, self._url
        try:
            async with asyncio.timeout(limit):
                client = SMTP(
                    hostname=url.hostname,
                    port=url.port,
                    username=None if url.username is None else unquote(url.username),
                    password=None if url.password is None else unquote(url.password),
                    use_tls=url.scheme == "smtps",
                    start_tls=False if url.scheme == "smtps" else _START_TLS[self._settings.smtp_starttls],
                    tls_context=await asyncio.to_thread(self._tls),
                    timeout=limit,
                )
                try:
                    await client.connect()
                    result = await call(client)
                except BaseException:
                    client.close()
                    raise
        except TimeoutError as error:
            raise MailFailed(f"The mail server {self.address} did not respond within {limit:g} s.") from error
        except (SMTPException, OSError, ValueError) as error:  # the last: of what cannot be encoded
            raise MailFailed(f"The mail server {self.address} failed: {_reason(error)}") from error
        with suppress(SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(QUIT_TIMEOUT):
                await client.quit()
        client.close()
        return result

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._settings.smtp_ca_file is not None:
            context.load_verify_locations(self._settings.smtp_ca_file)
        return context


def _reason(error: Exception) -> str:
    """What the server has said, as a sentence without line breaks; the errors of aiosmtplib have no password in them."""
    from aiosmtplib import SMTPRecipientsRefused, SMTPResponseException  # noqa: PLC0415 - see above

    if isinstance(error, SMTPRecipientsRefused):
        text = ", ".join(f"{one.recipient}: {one.code} {one.message}" for one in error.recipients)
    elif isinstance(error, SMTPResponseException):
        text = f"{error.code} {error.message}"
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split()).removesuffix(".") + "."
