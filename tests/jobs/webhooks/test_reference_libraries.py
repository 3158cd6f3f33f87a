"""What a worker sends is verified by the reference libraries of Standard Webhooks for Python and Node.

Neither of them verifies `v1a`: Node's own crypto does, with nothing but the public key as it is shown to people.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from jobs.services import Services
from jobs.webhooks.endpoints import add_endpoint
from jobs.webhooks.messages import OF_JOBS, EventName, NewMessage
from jobs.webhooks.recording import add_messages
from jobs.webhooks.sender import Sender
from tests.helpers.nodes import node
from tests.helpers.receivers import receiving

FOLDER = Path(__file__).parents[2] / "webhooks"
REFUSED = "No matching signature found"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"egress_allow": ("127.0.0.1",)}


@dataclass(frozen=True)
class Message:
    """A request as it was received, with the keys of its receiver."""

    secret: str
    public_key: str
    headers: dict[str, str]
    body: bytes

    def with_header(self, name: str, value: str) -> Message:
        return replace(self, headers={**self.headers, name: value})

    def with_signatures(self, v1: str, v1a: str) -> Message:
        return self.with_header("webhook-signature", f"v1,{v1} v1a,{v1a}")

    @property
    def signatures(self) -> tuple[str, str]:
        """The Base64 of both signatures."""
        v1, v1a = self.headers["webhook-signature"].split()
        return v1.removeprefix("v1,"), v1a.removeprefix("v1a,")


@pytest.fixture
async def message(services: Services) -> Message:
    """A message that a worker's sender has sent, with characters of two, three and four bytes in it."""
    async with receiving() as receiver:
        endpoint = await add_endpoint(
            services.database,
            owner="anonymous",
            url=receiver.url,
            events=tuple(OF_JOBS),
            description="",
            created_by="test",
        )
        data = {"name": "Größe, 大小, 📦"}
        new = NewMessage(event=EventName.JOB_COMPLETED, owner="anonymous", at=datetime.now(UTC), data=data)
        async with services.database.begin() as connection:
            await add_messages(connection, new)
        sender = Sender(services.database, services.egress)
        await sender.send_due()
        await sender.flush()
        [received] = receiver.received
    return Message(endpoint.keys.secret_text, endpoint.keys.public_key_text, received.headers, received.body)


def flipped(encoded: str) -> str:
    """The Base64 of the same bytes with another bit in the middle."""
    data = bytearray(b64decode(encoded))
    data[len(data) // 2] ^= 1
    return b64encode(data).decode()


async def verified_by_node(*messages: Message) -> list[dict[str, str | None]]:
    """Of each message why Node refuses its signatures `v1` and `v1a`; None if it does not."""
    values = [
        {
            "secret": one.secret,
            "publicKey": one.public_key,
            "headers": one.headers,
            "body": b64encode(one.body).decode(),
        }
        for one in messages
    ]
    process = await asyncio.create_subprocess_exec(
        node(), FOLDER / "verify.mjs", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate(json.dumps(values).encode())
    assert process.returncode == 0
    found: list[dict[str, str | None]] = json.loads(out)
    return found


def verified_by_python(message: Message) -> str | None:
    try:
        Webhook(message.secret).verify(message.body, message.headers)
    except WebhookVerificationError as error:
        return str(error)
    return None


async def test_the_libraries_accept_what_is_sent_and_refuse_what_was_changed(message: Message) -> None:
    v1, v1a = message.signatures
    body = bytearray(message.body)
    body[len(body) // 2] ^= 1
    timestamp = str(int(message.headers["webhook-timestamp"]) - 1)
    refused = {
        "body": replace(message, body=bytes(body)),
        "id": message.with_header("webhook-id", message.headers["webhook-id"] + "x"),
        "time": message.with_header("webhook-timestamp", timestamp),
        "both signatures": message.with_signatures(flipped(v1), flipped(v1a)),
        "keys": replace(
            message,
            secret="whsec_" + flipped(message.secret.removeprefix("whsec_")),
            public_key="whpk_" + b64encode(bytes(31) + b"\1").decode(),
        ),
    }
    only_v1, only_v1a = message.with_signatures(v1, flipped(v1a)), message.with_signatures(flipped(v1), v1a)
    accepted, first, second, *others = await verified_by_node(message, only_v1, only_v1a, *refused.values())
    assert accepted == {"v1": None, "v1a": None}
    assert first == {"v1": None, "v1a": REFUSED}
    assert second == {"v1": REFUSED, "v1a": None}
    assert dict(zip(refused, others, strict=True)) == {name: {"v1": REFUSED, "v1a": REFUSED} for name in refused}
    assert verified_by_python(message) is None
    assert {name for name, one in refused.items() if verified_by_python(one) is None} == set()


async def test_a_message_that_is_sent_again_later_is_refused_as_too_old(message: Message) -> None:
    """What the receiver's clock says, the libraries check themselves: five minutes."""
    old = message.with_header("webhook-timestamp", str(int(message.headers["webhook-timestamp"]) - 600))
    [by_node] = await verified_by_node(old)
    assert (by_node["v1"], by_node["v1a"]) == ("Message timestamp too old", REFUSED)
    assert verified_by_python(old) == "Message timestamp too old"
