"""`haulage webhooks`: webhooks of a server, printed as tables or JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.cli.client import ApiClient, parse
from app.cli.job_commands import print_response
from app.cli.output import print_message, print_table, time_text
from app.schemas import DeliveryItem, DeliveryPage, Replayed, WebhookCreated, WebhookItem, WebhookList


class WebhookCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self) -> None:
        """Print the webhooks, the oldest first."""
        body = self._client.webhooks()
        if self._as_json:
            return print_response(body)
        webhooks = parse(WebhookList, body).webhooks
        if not webhooks:
            return print_message("There are no webhooks.")
        return print_table(("WEBHOOK", "STATE", "EVENTS", "URL"), [_row(webhook) for webhook in webhooks])

    def create(self, url: str, events: Sequence[str], description: str, *, operators: bool) -> None:
        """Create a webhook, and print what its requests are signed with."""
        body = self._client.create_webhook(
            {"url": url, "events": list(events) or None, "description": description, "operators": operators}
        )
        self._print_keys(body)

    def rotate(self, webhook_id: str) -> None:
        """Give a webhook new keys, and print them."""
        self._print_keys(self._client.change_webhook(webhook_id, "rotate"))

    def enable(self, webhook_id: str) -> None:
        """Send messages again to a webhook that was switched off."""
        body = self._client.change_webhook(webhook_id, "enable")
        if self._as_json:
            return print_response(body)
        return print(f"Webhook {parse(WebhookItem, body).id} gets messages again.")

    def test(self, webhook_id: str) -> None:
        """Send a test message."""
        self._client.change_webhook(webhook_id, "test")
        print_message(f"A test message is sent to {webhook_id}. See: haulage webhooks deliveries {webhook_id}")

    def delete(self, webhook_ids: Sequence[str]) -> None:
        """Delete webhooks, in this order."""
        for webhook_id in dict.fromkeys(webhook_ids):
            self._client.delete_webhook(webhook_id)
            print_message(f"Webhook {webhook_id} was deleted.")

    def deliveries(self, webhook_id: str, limit: int) -> None:
        """Print what was sent to a webhook, the newest first, at most `limit`."""
        body = self._client.deliveries(webhook_id, limit)
        if self._as_json:
            return print_response(body)
        rows = [_delivery_row(one) for one in parse(DeliveryPage, body).deliveries]
        return print_table(("CREATED", "EVENT", "STATE", "ATTEMPTS", "RESPONSE", "JOB"), rows)

    def replay(self, webhook_id: str, since: datetime, until: datetime, *, every: bool) -> None:
        """Send the messages of a time again: those that were given up, or `every` one."""
        wanted = {"since": since.isoformat(), "until": until.isoformat(), "onlyFailed": not every}
        body = self._client.change_webhook(webhook_id, "replay", wanted)
        if self._as_json:
            return print_response(body)
        return print(f"{parse(Replayed, body).messages} messages are sent again.")

    def _print_keys(self, body: bytes) -> None:
        if self._as_json:
            return print_response(body)
        webhook = parse(WebhookCreated, body)
        print_table(
            ("WEBHOOK", "URL", "SECRET", "PUBLIC KEY"), [(webhook.id, webhook.url, webhook.secret, webhook.public_key)]
        )
        return print_message("The secret is not shown again.")


def _row(webhook: WebhookItem) -> Sequence[str]:
    state = f"{webhook.failures} failures" if webhook.failures else "on"
    state = state if webhook.disabled_at is None else "off"
    return webhook.id, state, ",".join(webhook.events), webhook.url


def _delivery_row(one: DeliveryItem) -> Sequence[str]:
    response = one.detail or "" if one.response_status is None else str(one.response_status)
    return time_text(one.created_at), one.event, one.state, str(one.attempts), response, str(one.job_id or "")
