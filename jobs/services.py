"""Everything that a process needs to work with jobs, opened once from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from jobs.bundles.commands import Downloads
from jobs.bundles.resolver import Resolver
from jobs.bundles.sql.tables import download_jobs
from jobs.concurrency import first_error_group
from jobs.database import Database
from jobs.egress.guard import Egress
from jobs.engine.backpressure import Backpressure
from jobs.engine.bulk_runs import BulkRuns
from jobs.engine.engine import Engine
from jobs.engine.fleet_control import FleetControl
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.sql.job_filters import JobFinder
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.rows import job_of
from jobs.engine.sql.snapshots import Snapshots
from jobs.engine.transport_opening import open_transport
from jobs.files.catalogue import ids_of_files
from jobs.kinds import Kind
from jobs.processing.commands import ProcessingJobs
from jobs.processing.sql.tables import processing_jobs
from jobs.replica_reads import ReplicaReads
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.tracing.opening import open_tracer
from jobs.uploads.appending import Appends
from jobs.uploads.commands import Uploads, check_retryable
from jobs.uploads.sql.tables import upload_jobs


@dataclass(frozen=True, slots=True, kw_only=True)
class Services(Engine):
    """The engine, and what each kind of work adds to it."""

    downloads: Downloads
    resolver: Resolver
    uploads: Uploads
    appends: Appends
    processing: ProcessingJobs
    finder: JobFinder
    egress: Egress
    reads: ReplicaReads


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Opens all clients; none connects yet. Closes them at the end, after the messages about what was committed."""
    database = Database.open(
        settings.database_url, pool_size=settings.database_pool_size, timeout=settings.database_timeout
    )
    replica = None
    if settings.database_replica_url is not None:
        replica = Database.open(
            settings.database_replica_url,
            pool_size=settings.database_pool_size,
            timeout=settings.database_timeout,
            name="replica",
        )
    reads = ReplicaReads(database, replica, settings.replica_max_lag)
    transport = open_transport(settings, database)
    storage = Storage.open(settings)
    places = QueuePlaces(database)
    random = Random()  # noqa: S311 - jitter, not a secret
    backpressure = {
        kind: Backpressure(kind, settings.max_queued, partial(places.seconds_until_room, kind), random) for kind in Kind
    }
    batch_backpressure = {
        kind: Backpressure(kind, settings.max_queued, lambda _: None, random, batch=True) for kind in Kind
    }
    tracer = open_tracer(settings)
    lifecycle = Lifecycle(
        database,
        transport.feed,
        transport.queue,
        settings,
        backpressure=backpressure,
        batch_backpressure=batch_backpressure,
        tracer=tracer,
        reads=reads,
    )
    uploads = Uploads(database, reads, lifecycle, places, storage, settings)
    finder = JobFinder(reads, (download_jobs, upload_jobs, processing_jobs), ids_of_files)
    egress = Egress(settings)
    try:
        yield Services(
            settings=settings,
            database=database,
            transport=transport,
            storage=storage,
            lifecycle=lifecycle,
            snapshots=Snapshots(database, places, "jobs", job_of),
            tracer=tracer,
            downloads=Downloads(database, reads, lifecycle, places, settings.s3_key_template),
            resolver=Resolver(database, storage, settings),
            uploads=uploads,
            appends=Appends(database, lifecycle, uploads, storage, settings),
            processing=ProcessingJobs(database, reads, lifecycle, places, settings),
            finder=finder,
            bulk=BulkRuns(database, lifecycle, finder, {Kind.UPLOAD: check_retryable}),
            fleet=FleetControl(database, settings.lease_ttl),
            egress=egress,
            reads=reads,
        )
    finally:
        async with first_error_group() as group:
            group.create_task(tracer.close())  # a collector that is unavailable takes no time from the others
            await lifecycle.close()
            await egress.close()
            await storage.close()
            await transport.close()
            await database.close()
            if replica is not None:
                await replica.close()
