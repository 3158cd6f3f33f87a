"""The connections that listen for wake-ups, as PostgreSQL sees them."""

from __future__ import annotations

from jobs.services import Services
from tests.helpers.databases import execute
from tests.helpers.eventually import eventually

_LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query ~ '^(LISTEN .*|SELECT 1$)'"
"""Their last query is the last LISTEN, or the one that shows that they still work."""


async def until_listening(services: Services, count: int = 1) -> None:
    """Returns when so many connections listen."""

    async def are_there() -> bool:
        return len(await services.database.fetch(f"SELECT pid {_LISTENERS}")) >= count

    await eventually(are_there)


async def end_listeners(services: Services) -> None:
    """Ends their connections, as a restart of the server would."""
    await execute(
        services.settings.database_url, f"SELECT pg_terminate_backend(pid) {_LISTENERS} AND pid <> pg_backend_pid()"
    )
