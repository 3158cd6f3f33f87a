"""A primary of PostgreSQL and a standby, made by `pg_basebackup`, that is promoted when the primary is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg

from app.stack import postgres
from app.stack.ports import HOST, free_ports
from app.stack.postgres import Postgres
from tests.faults.members import PATIENCE
from tests.faults.servers import PASSWORD, Servers
from tests.helpers.eventually import eventually


class _Standby(Postgres):
    name = "standby"

    def __init__(self, folder: Path, logs: Path, *, port: int, primary_url: str) -> None:
        super().__init__(folder, logs, port=port, password=PASSWORD, durable=True)
        self._primary_url = primary_url

    def _create(self) -> None:
        options = ["--write-recovery-conf", "--wal-method", "stream", "--checkpoint", "fast", "--no-sync"]
        new = self._folder / "new"
        self._run("pg_basebackup", "--dbname", self._primary_url, "--pgdata", str(new), *options)
        new.rename(self._data)


class ReplicatedServers(Servers):
    """As `Servers`, with a standby. Clients get both hosts, and use the one that accepts writes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        [port] = free_ports([0])
        (folder / "standby").mkdir(mode=0o700)
        self._primary_url = self._url
        self._standby_url = postgres.url(port, PASSWORD)
        self._url = f"{self._url.rpartition('/')[0]},{HOST}:{port}/{postgres.DATABASE}"
        self._standby = _Standby(folder / "standby", folder / "logs", port=port, primary_url=self._primary_url)

    def start(self) -> None:
        super().start()
        self._standby.start()

    def stop(self) -> None:
        self._standby.stop()
        super().stop()

    def database_url(self, name: str) -> str:
        return f"{super().database_url(name)}?target_session_attrs=read-write"

    async def execute(self, statement: str) -> None:
        """Execute a statement on the server that accepts writes."""
        connection = await asyncpg.connect(f"{self._url}?target_session_attrs=read-write")
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def synchronise(self) -> None:
        """From now on a commit waits until the standby has it on its disk."""
        await self._on(self._primary_url, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        await self._on(self._primary_url, "SELECT pg_reload_conf()")
        await self._until(self._primary_url, "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")

    async def disconnect(self) -> None:
        """The standby receives nothing from now on, as if the network between the two were cut."""
        await self._on(self._standby_url, "ALTER SYSTEM SET primary_conninfo = ''")
        await self._on(self._standby_url, "SELECT pg_reload_conf()")
        await self._until(self._primary_url, "SELECT count(*) = 0 FROM pg_stat_replication")

    def replica_url(self, name: str) -> str:
        """The URL of a database of the standby."""
        return f"{self._standby_url.rpartition('/')[0]}/{name}"

    async def pause_replay(self) -> None:
        """From now on the standby shows nothing new, though it goes on to receive."""
        await self._on(self._standby_url, "SELECT pg_wal_replay_pause()")
        await self._until(self._standby_url, "SELECT pg_get_wal_replay_pause_state() = 'paused'")

    async def resume_replay(self) -> None:
        await self._on(self._standby_url, "SELECT pg_wal_replay_resume()")

    async def until_caught_up(self) -> None:
        """Return when the standby shows all that was committed so far."""
        [row] = await self._on(self._primary_url, "SELECT pg_current_wal_lsn()::text AS lsn")
        await self._until(self._standby_url, f"SELECT pg_last_wal_replay_lsn() >= '{row['lsn']}'::pg_lsn")

    async def fail_over(self, detection: float = 0) -> None:
        """Kill the primary with SIGKILL, and promote the standby `detection` seconds later. Then it accepts writes."""
        await self.postgres.kill()
        await asyncio.sleep(detection)
        await self._on(self._standby_url, "SELECT pg_promote()")

    async def _on(self, url: str, statement: str) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(url)
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def _until(self, url: str, query: str) -> None:
        async def holds() -> bool:
            return bool((await self._on(url, query))[0][0])

        await eventually(holds, patience=PATIENCE)
