"""`haulage notices`, and the notices of `haulage check`."""

from __future__ import annotations

import pytest

from jobs.errors import ErrorClass
from jobs.notices import Notice, NoticeKind, close_condition, raise_notice
from jobs.services import Services
from tests.app.cli.processes import Cli, unpadded
from tests.helpers.jobs import dead
from tests.helpers.mail_servers import MailServer, mail_server


async def test_notices_are_listed_and_acknowledged(cli: Cli, services: Services) -> None:
    nothing = await cli("notices", "list")
    assert (nothing.code, nothing.out, nothing.error) == (0, "", "There are no open notices.\n")
    for error_class in (ErrorClass.NETWORK, ErrorClass.STORAGE, ErrorClass.NETWORK):
        await dead(services, error_class)
    titles, *lines = unpadded(await cli("notices", "list"))
    assert titles.split() == ["ID", "LAST", "COUNT", "STATE", "NOTICE"]
    ids = [line.split()[0] for line in lines]
    assert {(line.split()[3], line.split()[4]) for line in lines} == {("2", "open"), ("1", "open")}
    assert all(line.endswith("attempt 3 went wrong") for line in lines)
    page = (await cli("notices", "list", "--limit", "1", "--json")).json
    assert [str(one["id"]) for one in page["notices"]] == ids[:1]
    done = await cli("notices", "acknowledge", *ids, ids[0])
    assert (done.code, done.out) == (0, "".join(f"Notice {one} was acknowledged.\n" for one in ids))
    assert (await cli("notices", "list")).out == ""
    every = (await cli("notices", "list", "--all")).out
    assert every.count("acknowledged by anonymous") == 2
    assert [one["acknowledgedBy"] for one in (await cli("notices", "acknowledge", ids[0], "--json")).json] == [
        "anonymous"
    ]


async def test_a_condition_that_is_over_says_so(cli: Cli, services: Services) -> None:
    async with services.database.begin() as connection:
        await raise_notice(connection, Notice(kind=NoticeKind.DISK, key="disk", message="It is nearly full."))
    assert "open" in (await cli("notices", "list", "--all")).out
    async with services.database.begin() as connection:
        await close_condition(connection, "disk")
    assert "over" in (await cli("notices", "list", "--all")).out


@pytest.mark.parametrize(
    ("notice_id", "code", "said"), [("4711", 4, "There is no notice 4711."), ("x", 2, "NOTICE_ID")]
)
async def test_errors_have_their_exit_codes(cli: Cli, notice_id: str, code: int, said: str) -> None:
    done = await cli("notices", "acknowledge", notice_id)
    assert (done.code, done.out) == (code, "")
    assert said in done.error


@pytest.mark.usefixtures("worker")
async def test_the_check_prints_open_notices(server_cli: Cli, services: Services) -> None:
    assert (await server_cli("check", "--json")).json["notices"] == []
    async with services.database.begin() as connection:
        disks = [Notice(kind=NoticeKind.DISK, key=f"disk:{one:02}", message=f"Disk {one}.") for one in range(12)]
        await raise_notice(connection, *disks[:2])
    done = await server_cli("check")
    assert done.code == 0, "they are no failure of a dependency"
    first, second = [line for line in done.error.splitlines() if line.startswith("notice: ")]
    assert first.startswith("notice: 2, 1 times until ")
    assert (first[-7:], second[-7:]) == ("Disk 1.", "Disk 0.")
    async with services.database.begin() as connection:
        await raise_notice(connection, *disks)
    lines = (await server_cli("check", "--json")).json["notices"]
    assert (len(lines), lines[-1]) == (11, "there are more: haulage notices list")


def mail_variables(server: MailServer, **changes: str) -> dict[str, str]:
    return {
        "SMTP_URL": server.url,
        "SMTP_STARTTLS": "off",
        "MAIL_FROM": "haulage@site.example",
        "MAIL_TO": "ops@site.example,night@site.example",
        "PUBLIC_URL": "https://site.example",
        **changes,
    }


async def test_a_test_mail_is_sent_or_the_servers_reason_is_shown(server_cli: Cli) -> None:
    refused = await server_cli("notices", "test-mail")
    assert (refused.code, refused.out) == (2, "")
    assert "Set SMTP_URL, MAIL_FROM and MAIL_TO" in refused.error
    async with mail_server() as server:
        mailing = Cli(server_cli.folder, server_cli.environment | mail_variables(server))
        done = await mailing("notices", "test-mail")
        assert (done.code, done.error) == (0, "")
        assert done.out == (
            f"A test mail to ops@site.example, night@site.example was accepted by 127.0.0.1:{server.port}.\n"
        )
        [mail] = server.mails
        assert mail["Subject"] == "Haulage at site.example: test mail"
        server.refused = {"ops@site.example"}
        partly = await mailing("notices", "test-mail")
        assert partly.code == 0
        assert "mail_rejected" in partly.error
        assert "550 no such user" in partly.error
        server.refused |= {"night@site.example"}
        none = await mailing("notices", "test-mail")
        assert (none.code, none.out) == (7, "")
        assert "550 no such user" in none.error


@pytest.mark.usefixtures("worker")
async def test_the_check_has_a_line_for_mail(server_cli: Cli) -> None:
    async with mail_server() as server:
        environment = server_cli.environment | mail_variables(server)
        done = await Cli(server_cli.folder, environment)("check")
        assert done.code == 0
        assert "mail      ok     notices go to ops@site.example, night@site.example\n" in done.out
        assert server.mails == []
        required = await Cli(server_cli.folder, environment | {"SMTP_STARTTLS": "required"})("check")
        assert required.code == 7
        assert f"mail      error  The mail server 127.0.0.1:{server.port} failed: " in required.out
    unavailable = await Cli(server_cli.folder, environment)("check")
    assert unavailable.code == 7
    assert f"mail      error  The mail server 127.0.0.1:{server.port} failed: " in unavailable.out
