"""Who owns which job: a fact that does not change, so it is read once."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from jobs.batching import Batcher
from jobs.database import Database
from jobs.engine.sql.jobs import owners_of
from jobs.errors import JobNotFound

REMEMBERED = 50_000
"""Jobs whose owner is remembered, about 200 bytes each; then the oldest is forgotten."""


class JobOwners:
    """Reads owners, with one query for all that wait."""

    def __init__(self, database: Database) -> None:
        self._batcher = Batcher(partial(owners_of, database))
        self._known: dict[UUID, str] = {}

    def known(self, job_id: UUID) -> str | None:
        """The owner, if that is known without a read."""
        return self._known.get(job_id)

    async def of(self, job_id: UUID) -> str:
        """The owner of the job. Raises `JobNotFound`, `DatabaseUnavailable`."""
        owner = self._known.get(job_id)
        if owner is None:
            owner = await self._batcher.read(job_id)
            if owner is None:
                raise JobNotFound(f"There is no job {job_id}.")
            self.remember(job_id, owner)
        return owner

    def remember(self, job_id: UUID, owner: str) -> None:
        """Adds what is known anyway, as of a job that was just created."""
        self._known[job_id] = owner
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]

    def forget(self) -> None:
        """Forgets all of them, since some jobs have got another owner."""
        self._known.clear()
