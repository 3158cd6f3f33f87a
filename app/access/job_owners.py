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
        self.generation = 0
        """+1 when jobs have got another owner: what was read before is not remembered."""

    def known(self, job_id: UUID) -> str | None:
        """The owner, if that is known without a read."""
        return self._known.get(job_id)

    async def of(self, job_id: UUID) -> str:
        """The owner of the job. Raises `JobNotFound`, `DatabaseUnavailable`."""
        owner = self._known.get(job_id)
        while owner is None:
            generation = self.generation
            found = await self._batcher.read(job_id)
            if found is None:
                raise JobNotFound(f"There is no job {job_id}.")
            if self.remember(job_id, found, generation):
                owner = found
        return owner

    def remember(self, job_id: UUID, owner: str, generation: int) -> bool:
        """Adds what is known since `generation`, as of a job that was just created. False if it may be wrong by now."""
        if generation != self.generation:
            return False
        self._known[job_id] = owner
        if len(self._known) > REMEMBERED:
            del self._known[next(iter(self._known))]
        return True

    def forget(self) -> None:
        """Forgets all of them, since some jobs have got another owner."""
        self.generation += 1
        self._known.clear()
