"""`haulage reprocess`: lets workers process files of the catalogue again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from app.cli.client import ApiClient
from app.cli.errors import Refused
from app.cli.output import print_json, print_message

PAUSE = 10.0
"""Seconds to wait while many jobs wait already."""


def reprocess(
    client: ApiClient,
    types: Sequence[str],
    since: datetime | None,
    *,
    missing: bool,
    as_json: bool,
    sleep: Callable[[float], object] = time.sleep,
) -> None:
    """Creates jobs for all files of a selection, and prints how many. Raises what `ApiClient` raises.

    While many jobs wait, it waits, too: new uploads come first.
    """
    selection: dict[str, Any] = {"types": list(types), "missing": missing}
    if since is not None:
        selection["since"] = since.replace(tzinfo=UTC).isoformat()
    created, after = 0, 0
    while True:
        try:
            answer = client.reprocess({**selection, "after": after})
        except Refused as error:
            if error.problem != "queue_full":
                raise
            print_message(f"{created:,} files so far; many jobs wait already, so the others come later.")
            sleep(PAUSE)
            continue
        created += answer.jobs
        if answer.next is None:
            break
        after = answer.next
    if as_json:
        print_json({"jobs": created})
    else:
        print(f"{created:,} files will be processed again.")
