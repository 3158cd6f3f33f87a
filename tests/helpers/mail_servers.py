"""An SMTP server of this machine that keeps what it accepts: aiosmtpd, in the test's event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.helpers.eventually import eventually

USER, PASSWORD = "ops@site.example", "p@ss/word"


class MailServer:
    """What it has accepted, and whom it refuses. It accepts a mail after `gate` is set."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refused: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.leaves_quit_open = False
        """Whether it never responds to QUIT."""
        self.started = 0
        """Mails whose bytes have arrived."""
        self.secured: list[bool] = []
        """Of each mail, whether it came over STARTTLS."""
        self.signs_in = False
        """Whether it refuses clients that have not signed in."""
        self.url = ""
        self.port = 0

    async def until(self, count: int) -> None:
        """Returns when it has accepted so many mails."""
        await eventually(lambda: len(self.mails) >= count)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, options
        if self.signs_in and not session.authenticated:
            return "530 Authentication required"
        if address in self.refused:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(  # noqa: N802 - see above
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session, envelope
        if self.leaves_quit_open:
            await asyncio.Event().wait()
        return "221 Bye"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - see above
        del server
        self.started += 1
        await self.gate.wait()
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(list(envelope.rcpt_tos))
        self.secured.append(session.ssl is not None)
        return "250 OK"


def _authenticate(*arguments: Any) -> AuthResult:
    data = arguments[-1]
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


@asynccontextmanager
async def mail_server(
    server: MailServer | None = None,
    *,
    implicit_tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    sign_in: bool = False,
) -> AsyncIterator[MailServer]:
    """A server that runs while the block does. One that was there before runs on its port again.

    Its `url` has the user and the password where it requires them.
    """
    server = server or MailServer()
    server.signs_in = sign_in
    loop = asyncio.get_running_loop()

    def session() -> SMTP:
        return SMTP(
            server,
            hostname="mail.example",
            tls_context=starttls,
            authenticator=_authenticate if sign_in else None,
            auth_require_tls=starttls is not None,
            loop=loop,
        )

    listening = await loop.create_server(session, "127.0.0.1", server.port, ssl=implicit_tls)
    server.port = listening.sockets[0].getsockname()[1]
    scheme = "smtp" if implicit_tls is None else "smtps"
    user = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}@" if sign_in else ""
    server.url = f"{scheme}://{user}127.0.0.1:{server.port}"
    try:
        yield server
    finally:
        server.gate.set()
        listening.close()
