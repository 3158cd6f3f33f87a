"""How processes notify each other: the protocols that the rest of Haulage knows, whatever carries the messages.

`QUEUE` chooses what does: Redis and arq (`redis_transport`), or PostgreSQL's LISTEN and NOTIFY (`notify`). Everything that
is sent may be lost, delivered twice or late: PostgreSQL has the truth, workers poll it, and gateways compare with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from jobs.breakers import Circuit
from jobs.engine.events import Event
from jobs.engine.jobs import Overdue
from jobs.kinds import Kind

ACKNOWLEDGED = 2.0
"""Seconds that a reader waits for the acknowledgement of a subscription before it goes on without."""
GATEWAY_TTL = 10.0
"""Seconds after which a gateway that exchanges no levels is not counted any more."""

Receive = Callable[[Event, bytes], None]
"""Called with each event of a job that is followed, and its JSON."""
Changed = Callable[[], None]
"""Called when `Subscriptions.connected` has changed. What is published while it is False is lost."""
Announced = Callable[[], None]
"""Called for each announcement (`Feed.announce`)."""
Outdated = Callable[[UUID], None]
"""Called for a job that is followed when an event was too large to be sent: it has to be read from PostgreSQL."""


class Feed(Protocol):
    """Sends live events to gateways."""

    async def publish(self, event: Event) -> None:
        """Publishes the event without waiting. It is lost while the transport is unavailable."""

    async def announce(self) -> None:
        """Makes all gateways read at once what was written to PostgreSQL and what they read within two seconds anyway.

        It is lost while the transport is unavailable.
        """

    async def latest(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes] | None:
        """The latest events of those jobs that have one, in JSON. None while the transport is unavailable."""

    async def flush(self) -> None:
        """Waits until all events have been sent or lost: a second at most."""


class Queue(Protocol):
    """Sends wake-ups to workers: a job is due. No call raises because the transport is unavailable."""

    async def enqueue(self, kind: Kind, job_id: UUID, fence: int, place: int, delay: float = 0) -> None:
        """Sends a wake-up that is due in `delay` seconds, without waiting. `place`: see `to_place`.

        It is lost while the transport is unavailable, and also if this process ends before the delay.
        """

    async def enqueue_missing(self, kind: Kind, overdue: Sequence[Overdue]) -> bool:
        """Sends wake-ups for jobs that have waited too long. Returns False if the transport is unavailable."""

    async def has_consumer(self) -> bool:
        """Returns True if it is known that a worker receives wake-ups."""

    async def flush(self) -> None:
        """Waits until all wake-ups that are due have been sent or lost: a second at most."""


class Subscriptions(Protocol):
    """What one gateway receives: the events of the jobs that it follows, and announcements."""

    @property
    def connected(self) -> bool:
        """Whether messages arrive."""

    def subscribe(self, job_id: UUID) -> None:
        """Receives the events of the job, now or as soon as the transport is available again."""

    def unsubscribe(self, job_id: UUID) -> None:
        """Receives them no longer."""

    def token(self, job_id: UUID) -> object | None:
        """A token while the job is subscribed to: as long as it is the same one, no event of the job is missed."""

    async def acknowledged(self, job_id: UUID, patience: float) -> None:
        """Waits until the job is subscribed to. Gives up after `patience` seconds, or if the transport is unavailable."""

    async def run(self) -> None:
        """Receives until it is cancelled, through every outage."""


class Transport(Protocol):
    """Feed and queue of one process, and what belongs to them."""

    @property
    def feed(self) -> Feed: ...

    @property
    def queue(self) -> Queue: ...

    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """By name, the dependencies that no other part of Haulage needs. Each call raises `HaulageError` if it is down."""

    @property
    def circuits(self) -> Mapping[str, Circuit]:
        """The circuits of these dependencies."""

    def subscriptions(
        self, receive: Receive, changed: Changed, announced: Announced, outdated: Outdated
    ) -> Subscriptions:
        """What the one gateway of this process receives."""

    async def exchange_levels(
        self, gateway: str, report: Mapping[str, tuple[float, float]], now: float
    ) -> tuple[int, bool, dict[str, float]]:
        """Exchanges levels between gateways: numbers by name, of which the highest counts, and to which each one adds.

        Raises each level to at least the first number, adds the second one, and removes all levels before `now`. Returns
        how many gateways there are, whether this one is new among them, and the levels that were reported as they are now.
        Levels may be lost at any time: each gateway reports what it knows, so that they are restored.

        Raises `RedisUnavailable` or `DatabaseUnavailable`.
        """

    async def close(self) -> None:
        """Sends what is waiting, for a second at most."""
