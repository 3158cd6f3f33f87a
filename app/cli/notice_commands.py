"""`haulage notices`: notices of a server, printed as a table or JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from app.cli.client import ApiClient, parse
from app.cli.job_commands import print_response
from app.cli.output import print_json, print_message, print_table, time_text
from app.schemas import NoticeItem, NoticePage, NoticeState


class NoticeCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self, *, every: bool, limit: int) -> None:
        """Print the latest notices, at most `limit`: those that are open, or `every` one."""
        body = self._client.notices(NoticeState.ALL if every else NoticeState.OPEN, limit)
        if self._as_json:
            return print_response(body)
        notices = parse(NoticePage, body).notices
        if not notices:
            return print_message("There are no notices." if every else "There are no open notices.")
        return print_table(("ID", "LAST", "COUNT", "STATE", "NOTICE"), [_row(notice) for notice in notices])

    def acknowledge(self, notice_ids: Sequence[int]) -> None:
        """Acknowledge these notices, in this order."""
        bodies = [self._client.acknowledge_notice(notice_id) for notice_id in dict.fromkeys(notice_ids)]
        if self._as_json:
            return print_json([json.loads(body) for body in bodies])
        for body in bodies:
            print(f"Notice {parse(NoticeItem, body).id} was acknowledged.")
        return None


def _row(notice: NoticeItem) -> Sequence[str]:
    return str(notice.id), time_text(notice.last_at), str(notice.count), _state_text(notice), notice.message


def _state_text(notice: NoticeItem) -> str:
    if notice.acknowledged_by is not None:
        return f"acknowledged by {notice.acknowledged_by}"
    return "open" if notice.closed_at is None else "over"
