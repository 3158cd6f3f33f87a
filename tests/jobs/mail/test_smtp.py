"""Sending by a real SMTP server: TLS, STARTTLS, signing in, and servers that refuse or say nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import structlog

from jobs.errors import InvalidRequest, MailFailed
from jobs.mail.messages import check_mail
from jobs.mail.smtp import SmtpServer
from jobs.settings import MailSettings
from tests.helpers.mail_servers import PASSWORD, USER, MailServer, mail_server
from tests.helpers.tls import Certificates

pytestmark = pytest.mark.servers

TO = ("ops@site.example", "night@site.example")


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def client_of(server: MailServer, **changes: Any) -> SmtpServer:
    values = {"smtp_url": server.url, "mail_from": "haulage@site.example", "mail_to": TO, "smtp_timeout": 20}
    return SmtpServer(MailSettings(**values | changes))


def mail() -> EmailMessage:
    return check_mail("https://site.example", datetime.now(UTC))


async def test_a_mail_over_tls_with_a_password(certificates: Certificates) -> None:
    async with mail_server(implicit_tls=certificates.server_context(), sign_in=True) as server:
        client = client_of(server, smtp_ca_file=certificates.ca_file)
        await client.send(mail())
        assert await client.check() == "notices go to ops@site.example, night@site.example"
    [received] = server.mails
    assert server.recipients == [list(TO)]
    assert (received["From"], received["To"]) == ("haulage@site.example", ", ".join(TO))
    assert received["Message-ID"].endswith("@site.example>")


async def test_a_mail_over_starttls_with_a_password(certificates: Certificates) -> None:
    async with mail_server(starttls=certificates.server_context(), sign_in=True) as server:
        await client_of(server, smtp_ca_file=certificates.ca_file).send(mail())
        await client_of(server, smtp_ca_file=certificates.ca_file, smtp_starttls="auto").send(mail())
    assert server.secured == [True, True]


async def test_without_starttls_nothing_is_sent_unless_that_is_allowed() -> None:
    async with mail_server() as server:
        with pytest.raises(MailFailed, match="STARTTLS"):
            await client_of(server).send(mail())
        assert server.mails == []
        for policy in ("auto", "off"):
            await client_of(server, smtp_starttls=policy).send(mail())
    assert server.secured == [False, False]


@pytest.mark.parametrize("implicit", [True, False])
async def test_a_server_with_a_certificate_of_an_unknown_ca_gets_nothing(
    certificates: Certificates, implicit: bool
) -> None:
    context = certificates.server_context()
    running = mail_server(implicit_tls=context) if implicit else mail_server(starttls=context)
    async with running as server:
        with pytest.raises(MailFailed, match="certificate"):
            await client_of(server).send(mail())
    assert server.mails == []


async def test_a_wrong_password_is_refused_and_not_repeated(certificates: Certificates) -> None:
    async with mail_server(starttls=certificates.server_context(), sign_in=True) as server:
        wrong = server.url.replace(quote(PASSWORD, safe=""), "wr0ng")
        with pytest.raises(MailFailed, match="535") as raised:
            await client_of(server, smtp_url=wrong, smtp_ca_file=certificates.ca_file).send(mail())
    assert "wr0ng" not in raised.value.message
    assert USER not in raised.value.message
    assert server.mails == []


async def test_recipients_that_are_refused_are_logged_and_the_others_get_it() -> None:
    async with mail_server() as server:
        server.refused = {TO[1]}
        client = client_of(server, smtp_starttls="off")
        with structlog.testing.capture_logs() as logged:
            await client.send(mail())
        assert server.recipients == [[TO[0]]]
        assert [(one["event"], one["recipient"]) for one in logged] == [("mail_rejected", TO[1])]
        server.refused = set(TO)
        with pytest.raises(MailFailed, match=f"{TO[0]}: 550 no such user, {TO[1]}: 550"):
            await client.send(mail())
    assert len(server.mails) == 1


async def test_a_server_that_says_nothing_is_given_up() -> None:
    ended = asyncio.Event()

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with await asyncio.start_server(accepted, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        server = MailServer()
        server.url = f"smtp://127.0.0.1:{port}"
        with pytest.raises(MailFailed, match=r"did not respond within 0\.2 s"):
            await client_of(server, smtp_timeout=0.2).send(mail())
        ended.set()


async def test_a_server_that_is_not_there_is_named() -> None:
    async with mail_server() as server:
        pass
    with pytest.raises(MailFailed, match=f"127.0.0.1:{server.port} failed: "):
        await client_of(server).check()
    with pytest.raises(MailFailed, match=r"[^.]\.$"):  # more sentences follow where it is shown
        await client_of(server).check()


def test_without_a_server_the_error_says_what_to_set() -> None:
    with pytest.raises(InvalidRequest, match="Set SMTP_URL, MAIL_FROM and MAIL_TO"):
        SmtpServer(MailSettings())
