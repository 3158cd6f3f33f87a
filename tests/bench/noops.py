"""No-ops of arq and of procrastinate: what their jobs cost that do nothing. Each runs in a process of its own."""

from __future__ import annotations

import asyncio
from time import perf_counter, process_time
from typing import Any

SLOTS = 4


def arq(redis_url: str, count: int) -> tuple[float, float]:
    """Jobs a second of one worker in burst mode, and milliseconds of its CPU for each."""
    return asyncio.run(_arq(redis_url, count))


async def _arq(redis_url: str, count: int) -> tuple[float, float]:
    from arq import Worker, create_pool, func  # noqa: PLC0415 - only this process needs it
    from arq.connections import RedisSettings  # noqa: PLC0415

    async def noop(context: dict[Any, Any]) -> None:
        del context

    pool = await create_pool(RedisSettings.from_dsn(redis_url), default_queue_name="noops")
    for _ in range(count):
        await pool.enqueue_job("noop")
    worker = Worker(
        [func(noop, name="noop", keep_result=0)],  # type: ignore[arg-type] # a coroutine function
        queue_name="noops",
        redis_pool=pool,
        burst=True,
        max_jobs=SLOTS,
        poll_delay=0.001,
        handle_signals=False,
    )
    cpu, began = process_time(), perf_counter()
    await worker.async_run()
    cpu, seconds = process_time() - cpu, perf_counter() - began
    await worker.close()
    return count / seconds, 1000 * cpu / count


def procrastinate(database_url: str, count: int) -> tuple[float, float]:
    """The same of procrastinate, whose tables stand in a schema of their own."""
    return asyncio.run(_procrastinate(database_url, count))


async def _procrastinate(database_url: str, count: int) -> tuple[float, float]:
    from procrastinate import App, PsycopgConnector  # noqa: PLC0415 - only this process needs it
    from procrastinate.exceptions import ConnectorException  # noqa: PLC0415

    app = App(connector=PsycopgConnector(conninfo=database_url))

    @app.task(name="noop")
    async def noop() -> None: ...

    async with app.open_async():
        try:
            await app.schema_manager.apply_schema_async()
        except ConnectorException:  # an earlier round has applied it
            await app.check_connection_async()
        for _ in range(count):
            await noop.defer_async()
        cpu, began = process_time(), perf_counter()
        await app.run_worker_async(concurrency=SLOTS, wait=False, install_signal_handlers=False)
        cpu, seconds = process_time() - cpu, perf_counter() - began
    return count / seconds, 1000 * cpu / count
