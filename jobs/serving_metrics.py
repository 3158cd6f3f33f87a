"""Metrics of a process, if it is to have any (`METRICS_PORT`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from jobs.engine.engine import Engine
from jobs.engine.sql.fleet_gauges import FleetGauges

log = structlog.get_logger()


@asynccontextmanager
async def serving_metrics(engine: Engine, *, fleet: bool = True) -> AsyncIterator[None]:
    """Serves the metrics of this process while the block runs, if `METRICS_PORT` is set.

    `fleet`: also what PostgreSQL knows of the whole installation. A process that cannot listen goes on without metrics.
    """
    settings = engine.settings
    if not settings.metrics_port:
        yield
        return
    from jobs.metrics_server import MetricsServer, nothing  # noqa: PLC0415 - 14 MB that most processes do without

    refresh = FleetGauges(engine.database, settings.lease_ttl).refresh if fleet else nothing
    async with AsyncExitStack() as running:
        try:
            await running.enter_async_context(MetricsServer(refresh).running(settings))
        except OSError as error:
            log.error("metrics_failed", reason=error.strerror)  # noqa: TRY400 - no bug, so no trace
        yield
