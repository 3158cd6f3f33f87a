"""Jobs as they pile up, of all kinds and states: inserted by the database itself, a million in a minute or two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from jobs.database import Database
from jobs.engine.sql.partitions import make_partitions

FILES = 2
"""Files of each download."""
CATALOGUE = 100_000
"""Files of the catalogue, of which jobs request some."""
WAITING, RUNNING = 4_000, 400
"""The newest jobs wait and run, or as many as there are in a tenth of all."""
RARE = "zebra"
"""A word in the error of one job, and in the name of one file of the catalogue."""
ANCIENT = "ancient"
"""A word in the titles of the oldest twentieth of all downloads."""
COMMON = "report"
"""A word in a quarter of all titles."""
DAYS = 7


async def insert_jobs(database: Database, url: str, count: int) -> None:
    """Inserts so many jobs of the last `DAYS` days, a file of the catalogue for each ten, and reads the statistics."""
    now = datetime.now(UTC)
    async with database.begin() as transaction:
        for day in range(DAYS + 1):
            await make_partitions(transaction, (now - timedelta(days=day)).date())
    files = min(CATALOGUE, max(100, count // 10))
    connection = await asyncpg.connect(url, command_timeout=900)
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'")
        indexes = await connection.fetch(_INDEXES)
        for index in indexes:  # they are built faster than filled row by row
            await connection.execute(f"DROP INDEX {index['name']}")
        spread = timedelta(days=DAYS) / count
        await connection.execute(_NUMBERS, count, spread, min(WAITING, count // 10), min(RUNNING, count // 20))
        for statement in (_JOBS, _DOWNLOADS, _UPLOADS, _EVENTS):
            await connection.execute(statement)
        await connection.execute(_STORED, files)
        await connection.execute(_RECORDS, FILES, files)
        await connection.execute("DROP TABLE made")
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


_INDEXES = """
    SELECT indexrelid::regclass::text AS name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS definition
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE NOT indisprimary AND NOT relispartition AND indrelid::regclass::text IN (
        'jobs', 'download_jobs', 'upload_jobs', 'stored_files', 'file_records')
"""
_NUMBERS = """
    CREATE UNLOGGED TABLE made AS
    SELECT uuidv7(-(n * $2::interval)) AS id, n, clock_timestamp() - n * $2::interval AS at,
        CASE WHEN n % 10 < 8 THEN 'download' ELSE 'upload' END AS kind,
        CASE WHEN n < $3 THEN CASE WHEN n % 10 = 3 THEN 'retrying' ELSE 'queued' END
            WHEN n < $3 + $4 THEN 'processing'
            WHEN n % 100 < 2 THEN 'failed' WHEN n % 100 = 2 THEN 'cancelled' WHEN n % 100 < 20 THEN 'completed'
            ELSE 'expired' END AS status,
        'user-' || n % 5000 || '@example.com' AS owner,
        (ARRAY['annual', 'budget', 'invoice', 'report'])[1 + n % 4] || '-' || substr(md5(n::text), 1, 12)
            || CASE WHEN n > $1 * 19 / 20 THEN '-ancient' ELSE '' END AS title
    FROM generate_series(0, $1::bigint - 1) AS n
"""
_JOBS = """
    INSERT INTO jobs (id, kind, owner, status, phase, error_class, error_message, created_at, queued_at, due_at, started_at,
        finished_at, worker, lease_until, fence, attempt, seq, losses, max_attempts, files_total, files_done, bytes_total,
        bytes_done)
    SELECT id, kind, owner, status,
        CASE WHEN status IN ('completed', 'expired') THEN 'ready' WHEN status IN ('queued', 'retrying') THEN 'queued'
            WHEN kind = 'download' THEN 'packing' ELSE 'checking' END,
        CASE WHEN status = 'failed' AND n % 2 = 0 THEN 'network' WHEN status = 'failed' THEN 'validation'
            WHEN status = 'retrying' THEN 'storage' END,
        CASE WHEN n % 1000000 = 5000 THEN 'The quota of zebra was exceeded.'
            WHEN status IN ('failed', 'retrying') THEN 'The source closed the connection after ' || n || ' bytes.' END,
        at, at, at, CASE WHEN status <> 'queued' THEN at + interval '2 s' END,
        CASE WHEN status IN ('completed', 'expired', 'failed', 'cancelled') THEN at + interval '9 s' END,
        CASE WHEN status = 'processing' THEN 'host:' || n % 100 || ':abcdef' END,
        CASE WHEN status = 'processing' THEN now() + interval '1 hour' END,
        3, 1, 3, 0, 3, 3, 3, 3000, 3000
    FROM made ORDER BY n DESC
"""
_DOWNLOADS = """
    INSERT INTO download_jobs (job_id, archive_name, name, on_missing, compression, result_kind, result_key, result_size,
        result_etag, result_filename, result_content_type)
    SELECT id, title || '.zip', title || '.zip', 'fail', 'store', CASE WHEN done THEN 'bundle' END,
        CASE WHEN done THEN 'bundles/' || id END, CASE WHEN done THEN 3000 END, CASE WHEN done THEN 'e' END,
        CASE WHEN done THEN 'a.zip' END, CASE WHEN done THEN 'application/zip' END
    FROM made, LATERAL (SELECT status IN ('completed', 'expired') AS done) AS result
    WHERE kind = 'download' ORDER BY n DESC
"""
_UPLOADS = """
    INSERT INTO upload_jobs (job_id, batch, position, name, size, visibility, groups, part_size, key)
    SELECT id, id, 0, title || '.pdf', 1000, 'private', '{}', 5000000, 'uploads/' || id FROM made
    WHERE kind = 'upload' ORDER BY n DESC
"""
_STORED = """
    INSERT INTO stored_files (id, key, name, size, owner)
    SELECT 10000 + n, 'files/' || n, CASE n WHEN 77 THEN 'scan of a zebra.pdf' ELSE 'scan ' || md5(n::text) || '.pdf' END,
        1000, 'anonymous'
    FROM generate_series(0, $1::bigint - 1) AS n
"""
_RECORDS = """
    INSERT INTO file_records (job_id, index, file_id, entry_name, state, key, size, etag, crc32, bytes_done, seq)
    SELECT id, i, 10000 + (n * 7 + i * 13) % $2::bigint, 'scan ' || i, 'done', 'files/' || i, 1000, 'e', 1, 1000, 3
    FROM made, generate_series(0, $1::bigint - 1) AS i WHERE kind = 'download' ORDER BY n DESC
"""
_EVENTS = """
    INSERT INTO job_events (job_id, seq, fence, attempt, command, source, target, at)
    SELECT id, 1, 1, 0, 'create', NULL, 'queued', at FROM made WHERE n % 10 = 0 ORDER BY n DESC
"""
