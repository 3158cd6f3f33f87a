"""`haulage webhooks`."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.services import Services
from jobs.webhooks.sender import Sender
from tests.app.cli.processes import Cli, unpadded
from tests.helpers.receivers import receiving


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"egress_allow": ("127.0.0.1",)}


async def test_a_webhook_from_its_creation_to_its_end(cli: Cli, services: Services) -> None:
    assert (await cli("webhooks", "list")).error == "There are no webhooks.\n"
    async with receiving() as receiver:
        made = await cli("webhooks", "create", receiver.url, "--event", "job.failed", "--description", "orders")
        assert made.code == 0, made.error
        assert made.error == "The secret is not shown again.\n"
        titles, line = unpadded(made)
        hook, url, secret, public_key = line.split()
        assert (titles.split(), url) == (["WEBHOOK", "URL", "SECRET", "PUBLIC", "KEY"], receiver.url)
        assert (secret[:6], public_key[:5]) == ("whsec_", "whpk_")
        assert unpadded(await cli("webhooks", "list"))[1].split() == [hook, "on", "job.failed", receiver.url]
        assert (await cli("webhooks", "test", hook)).code == 0
        sender = Sender(services.database, services.egress)
        await sender.send_due()
        await sender.flush()
        assert len(receiver.received) == 1
        row = unpadded(await cli("webhooks", "deliveries", hook))[1].split()
        assert row[2:] == ["webhook.test", "delivered", "1", "204"]
        assert (
            await cli("webhooks", "replay", hook, "--since", "2020-01-01", "--all")
        ).out == "1 messages are sent again.\n"
        rotated = (await cli("webhooks", "rotate", hook, "--json")).json
        assert (rotated["id"], rotated["secret"] == secret) == (hook, False)
        assert (await cli("webhooks", "enable", hook)).out == f"Webhook {hook} gets messages again.\n"
        assert (await cli("webhooks", "delete", hook)).error == f"Webhook {hook} was deleted.\n"
        assert (await cli("webhooks", "list", "--json")).json == {"webhooks": []}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["delete", "wh_x"], 4, "There is no webhook wh_x."),
        (["create", "https://10.0.0.1/"], 2, "EGRESS_ALLOW"),
        (["create", "nonsense"], 2, "https://host/path"),
        (["create", "http://127.0.0.1/", "--event", "x"], 2, "events"),
    ],
)
async def test_errors_have_their_exit_codes(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    done = await cli("webhooks", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.error
