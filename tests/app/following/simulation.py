"""The hub between a simulated store and simulated connections, each step of which a test decides.

What is simulated is what can be lost, doubled, late or away: PostgreSQL's answers, Redis's messages, the network. The
hub, its topics, the order of messages and the state machine are the real ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from app.access.control import AccessControl
from app.access.principals import OPEN
from app.close_codes import CloseCode
from app.following.background import BackgroundTasks
from app.following.connection_limits import Holder
from app.following.connections import HIGH_WATER, Connection
from app.following.frames import Encoding
from app.following.hub import Hub
from app.following.overview_topic import OverviewTopic
from app.following.snapshot_reader import SnapshotReader
from app.metrics import WEBSOCKETS
from app.schemas import JobStatus
from app.serializers import status_of
from app.status_reader import StatusReader
from jobs.bundles.downloads import Compression, Download, OnMissing
from jobs.concurrency import cancel_and_wait
from jobs.engine.events import Event, EventType, FileView, ProgressView, event_of
from jobs.engine.jobs import FileRecord, FileState, Status, new_progress
from jobs.engine.order import Order, Verdict, judge, requested_since
from jobs.engine.redis_transport import RedisTransport
from jobs.engine.sql.snapshots import Mark, Snapshot
from jobs.engine.transitions import Claim, Command, apply
from jobs.errors import DatabaseUnavailable, JobNotFound
from jobs.kinds import Kind, Phase
from jobs.owners import ANONYMOUS
from jobs.services import Services

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
JOB_ID = UUID(int=7)
FILES = 3
HEAVY = HIGH_WATER // 2 + 1
"""What every message is made to weigh: a connection lags with two that the client has not taken."""
NOTHING = requested_since(0)
ENOUGH = 20
"""Answers after which nobody has reason to ask again."""
TURNS = 8
"""Turns of the loop after which all that can happen by itself has happened."""


class Fate(Enum):
    """What becomes of a message that is published."""

    AT_ONCE = "at once"
    LATE = "late"
    TWICE = "twice"
    UNHEARD = "unheard"
    """Redis keeps it, but nobody here gets it."""
    LOST = "lost"


@dataclass(eq=False)
class Question:
    """What the hub has asked PostgreSQL: answered when the test says so, with what was true when it was looked up."""

    since: int | None
    answer: asyncio.Future[Any] = field(repr=False)
    found: Any = field(default=None, repr=False)
    looked_up: bool = False


class Store:
    """One job in PostgreSQL, and its latest live message in Redis."""

    def __init__(self) -> None:
        self.job = Download(
            id=JOB_ID,
            kind=Kind.DOWNLOAD,
            owner=ANONYMOUS,
            status=Status.QUEUED,
            phase=Phase.QUEUED,
            fence=1,
            attempt=0,
            seq=1,
            losses=0,
            max_attempts=3,
            archive_name=None,
            name="first.txt",
            on_missing=OnMissing.FAIL,
            compression=Compression.STORE,
            created_at=NOW,
            queued_at=NOW,
            due_at=NOW,
            progress=new_progress(FILES),
        )
        self.place = 3
        self.records = {index: FileRecord(index=index, file_id=10_000 + index, seq=1) for index in range(FILES)}
        self.gone = False
        self.latest: Event | None = None
        self.questions: list[Question] = []
        self.unsure: set[int] = set()
        """Files of which a live message may have told what never became durable."""
        self._read: dict[int, int] = {}
        """Bytes that the attempt has read of each file since its last batch."""
        self._tick = 0

    # --- what workers and people do: each returns the message to publish -----------------------------------------------

    def move(self, command: Command) -> Event:
        before = self.job
        self.job, _ = apply(before, command, NOW)
        self.unsure |= self._read.keys()
        self._read, self._tick = {}, 0
        if not isinstance(command, Claim):
            return event_of(self.job, NOW, since=before.seq)
        for index, record in self.records.items():  # as `reset_files`
            if record.state is not FileState.PENDING or record.bytes_done:
                self.records[index] = replace(record, state=FileState.PENDING, bytes_done=0, seq=self.job.seq)
                self.unsure.discard(index)
        return event_of(self.job, NOW, since=before.seq, files=self.records.values())

    def read_file(self, index: int) -> Event:
        """A live message: so many more bytes of a file were read."""
        self._read[index] = self._read.get(index, 0) + 1
        self._tick += 1
        return self._event(self.job.seq, self._read)

    def write_batch(self) -> Event:
        """What was read becomes durable."""
        since, read = self.job.seq, self._read
        self.job = replace(self.job, seq=since + 1)
        for index, amount in read.items():
            record = self.records[index]
            self.records[index] = replace(
                record, state=FileState.ACTIVE, bytes_done=record.bytes_done + amount, seq=self.job.seq
            )
        self.unsure -= read.keys()
        self._read, self._tick = {}, 0
        return self._event(since, read)

    def _event(self, since: int, files: Iterable[int]) -> Event:
        return Event(
            type=EventType.PROGRESS,
            job_id=JOB_ID,
            since=since,
            seq=self.job.seq,
            tick=self._tick,
            ts=NOW,
            status=self.job.status,
            attempt=self.job.attempt,
            progress=ProgressView.of(self.job),
            files=[self._view(index) for index in sorted(files)],
        )

    def _view(self, index: int) -> FileView:
        record = self.records[index]
        return FileView.of(replace(record, bytes_done=record.bytes_done + self._read.get(index, 0)))

    @property
    def sure(self) -> dict[int, FileRecord]:
        """The files of which followers have been told nothing but what is durable."""
        unsure = self.unsure | self._read.keys()
        return {index: record for index, record in self.records.items() if index not in unsure}

    # --- what the hub reads: instead of `StatusReader` and `Snapshots` -------------------------------------------------

    async def read(self, job_id: UUID, since: int | None = None) -> JobStatus:
        assert job_id == JOB_ID
        status: JobStatus = await self._ask(since)
        return status

    async def marks(self, job_ids: Sequence[UUID]) -> dict[UUID, Mark]:
        mark: Mark | None = await self._ask(None) if job_ids else None
        return {} if mark is None else {JOB_ID: mark}

    async def _ask(self, since: int | None) -> Any:
        question = Question(since, asyncio.get_running_loop().create_future())
        self.questions.append(question)
        return await question.answer

    def look_up(self, question: Question) -> None:
        """Reads what is true now."""
        question.looked_up = True
        place = self.place if self.job.status is Status.QUEUED else None
        if question.since is None:
            question.found = None if self.gone else Mark(self.job.kind, self.job.seq, self.job.status, place)
        elif self.gone:
            question.found = JobNotFound("It is gone.")
        else:
            since = question.since if question.since <= self.job.seq else 0
            records = [record for record in self.records.values() if record.seq > since]
            processing = self.job.status is Status.PROCESSING
            live = self.latest if processing else None
            snapshot = Snapshot(self.job, NOW, place)
            question.found = status_of(snapshot, live, since=since, records=records, degraded=False, root="")

    def answer(self, question: Question, *, fails: bool = False) -> None:
        """Gives the hub what was looked up, or nothing because PostgreSQL is away."""
        self.questions.remove(question)
        if question.answer.done():
            return  # nobody waits for it any more
        if fails:
            question.answer.set_exception(DatabaseUnavailable("PostgreSQL is away."))
        elif isinstance(question.found, Exception):
            question.answer.set_exception(question.found)
        else:
            question.answer.set_result(question.found)


class Wire:
    """A transport whose other end takes what was written when the test says so."""

    def __init__(self) -> None:
        self.written: list[bytes | CloseCode] = []
        self.closed = asyncio.Event()

    def get_extra_info(self, name: str) -> None:
        del name

    def get_write_buffer_size(self) -> int:
        return HEAVY * len(self.written)

    def is_closing(self) -> bool:
        return self.closed.is_set()

    def write(self, data: bytes) -> None:
        assert not self.closed.is_set(), "written after the end"
        self.written.append(data)

    def abort(self) -> None:
        self.written.clear()
        self.closed.set()


class WireConnection(Connection):
    """A connection of one job that ends with it."""

    encoding = Encoding.WEBSOCKET
    gauge = WEBSOCKETS

    def __init__(self, wire: Wire, hub: SimulatedHub) -> None:
        async def send(message: Any) -> None:
            raise AssertionError(message)

        super().__init__(cast("asyncio.Transport", wire), send, hub.mark_slow)
        self.wire = wire

    async def finish(self, code: CloseCode) -> None:
        self.wire.written.append(code)


class WatchedTasks(BackgroundTasks):
    """Records the errors of tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[BaseException] = []

    def failed(self, error: BaseException) -> None:
        self.errors.append(error)


async def _admit(*_: object) -> None:
    """Everybody may see every job."""


class SimulatedHub(Hub):
    """The hub, between what is simulated."""

    def __init__(self, store: Store) -> None:
        settings = SimpleNamespace(max_followers=100, max_followers_per_client=100, root_path="")
        guard = SimpleNamespace(check_job=_admit, check_still_valid=lambda _: None)
        access = SimpleNamespace(guard=guard, refresh=None, on_revoked=None)
        transport = RedisTransport(cast("Any", None), cast("Any", None))  # which never runs
        services = SimpleNamespace(settings=settings, transport=transport, snapshots=store)
        super().__init__(cast("Services", services), cast("AccessControl", access), OverviewTopic(cast("Any", None)))
        self._snapshots = SnapshotReader(cast("StatusReader", store), self._topics)
        self._tasks = self.watched = WatchedTasks()

    def receive(self, event: Event) -> None:
        self._receive(event, event.model_dump_json().encode())

    async def compare(self) -> None:
        with suppress(DatabaseUnavailable):
            await self._reconciler.reconcile()

    def look(self, seconds: float = 0) -> None:
        """Looks at the connections that lag, as if so many seconds had gone by."""
        self._slow_consumers.check(asyncio.get_running_loop().time() + seconds)

    @property
    def is_idle(self) -> bool:
        return not len(self._topics) and not self._clients and not len(self._slow_consumers)


@dataclass(eq=False)
class Client:
    """A page that follows the job, and comes back with what it has."""

    remembers_ticks: bool
    """As an `EventSource` does; a WebSocket client and a list of jobs come back with `seq` only."""
    order: Order = NOTHING
    heard: Order = NOTHING
    """The last message of this connection, or where it was asked to start."""
    summary: Event | None = field(default=None, repr=False)
    files: dict[int, FileView] = field(default_factory=dict, repr=False)
    ended_at: int | None = None
    """The `seq` with which it was told that there is no more to come."""
    connection: WireConnection | None = field(default=None, repr=False)
    serving: asyncio.Task[None] | None = field(default=None, repr=False)

    def is_done(self, store: Store) -> bool:
        """Whether it has reason not to come back: its person does when the job runs again."""
        return self.ended_at == store.job.seq

    def connect(self, hub: SimulatedHub) -> None:
        self.ended_at, self.connection = None, WireConnection(Wire(), hub)
        order = self.heard = self.order if self.remembers_ticks else requested_since(self.order[0])
        self.serving = asyncio.create_task(self._serve(hub, self.connection, order))

    async def _serve(self, hub: Hub, connection: WireConnection, order: Order) -> None:
        """As the endpoints do."""
        hub.connect(connection, Holder("client"), OPEN)
        try:
            await self._begin(hub, connection, order)
            await connection.wire.closed.wait()
        finally:
            hub.disconnect(connection)

    async def _begin(self, hub: Hub, connection: WireConnection, order: Order) -> None:
        try:
            snapshots = await hub.read_snapshots(hub.follow(connection, {JOB_ID: order}))
        except JobNotFound:
            return hub.close(connection, CloseCode.NOT_FOUND)
        except DatabaseUnavailable:
            return hub.close(connection, CloseCode.UNAVAILABLE)
        return hub.send_snapshots(snapshots)

    def lose_connection(self) -> None:
        """With all that was on its way."""
        assert self.connection is not None
        self.connection.wire.abort()
        self.connection = None

    def take(self) -> None:
        """The next message, or the end of the connection."""
        assert self.connection is not None
        said = self.connection.wire.written.pop(0)
        if not isinstance(said, CloseCode):
            body = said[said.index(b'{"type"') :]
            event = Event.model_validate_json(body)
            if event.status.ended:
                JobStatus.model_validate_json(body)  # the end comes from PostgreSQL, with the result
            self.hear(event)
            return
        if said in {CloseCode.DONE, CloseCode.NOT_FOUND}:
            self.ended_at = self.order[0]
        self.connection.wire.closed.set()
        self.connection = None

    def hear(self, event: Event) -> None:
        anew = event.since < self.heard[0] > event.seq  # the store was restored from a backup
        if anew:
            assert event.since == 0, f"{event.order} came after {self.heard}"
            self.order = NOTHING
        else:
            assert event.order > self.heard, f"{event.order} came after {self.heard}"
        self.heard = event.order
        verdict = judge(self.order, event.since, event.order)
        assert verdict is not Verdict.GAP, f"all since {event.since} is no use to a client that has {self.order}"
        if verdict is Verdict.NEXT:  # else this connection has yet to come to where the last one broke
            self.order, self.summary = event.order, event
            self.files |= {view.index: view for view in event.files}


class World:
    """All of it, in a loop that turns only while something is done."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.store = Store()
        self.hub = SimulatedHub(self.store)
        self.clients: list[Client] = []
        self.flying: list[Event] = []
        """Messages that Redis has still to bring."""
        self.comparing: asyncio.Task[None] | None = None

    async def _turn(self, step: Any) -> None:
        if isinstance(step, Coroutine):
            await step
        elif step is not None:
            step()
        for _ in range(TURNS):
            await asyncio.sleep(0)

    def do(self, step: Any = None) -> None:
        """Does a step, and whatever follows from it by itself."""
        self.loop.run_until_complete(self._turn(step))
        assert not self.hub.watched.errors

    def publish(self, event: Event, fate: Fate) -> None:
        """Redis keeps the message or not, and brings it now, later, twice or never."""
        if fate is not Fate.LOST:
            self.store.latest = event
        if fate in {Fate.AT_ONCE, Fate.TWICE}:
            self.do(lambda: self.hub.receive(event))
        if fate in {Fate.LATE, Fate.TWICE}:
            self.flying.append(event)

    def compare(self) -> None:
        """Starts a comparison, one at a time, as the hub's own loop does."""
        if self.comparing is None or self.comparing.done():
            self.comparing = self.loop.create_task(self.hub.compare())
        self.do()

    def answer_all(self) -> None:
        """PostgreSQL is there, and answers whatever is asked until nothing more is."""
        for _ in range(ENOUGH):
            for question in list(self.store.questions):
                self.store.look_up(question)
                self.do(lambda question=question: self.store.answer(question))
        assert not self.store.questions, "it asks over and over"

    def take_all(self) -> None:
        """The clients take whatever has been written to them."""
        for client in self.clients:
            while client.connection is not None and client.connection.wire.written:
                self.do(client.take)

    def settle(self) -> None:
        """Everything works again: no message comes any more, the connections and PostgreSQL do."""
        self.flying.clear()
        for _ in range(6):
            for client in self.clients:
                if client.connection is None and not client.is_done(self.store):
                    self.do(lambda client=client: client.connect(self.hub))
            self.answer_all()
            self.compare()
            self.answer_all()
            self.take_all()
            self.do(self.hub.look)

    def close(self) -> None:
        self.loop.run_until_complete(cancel_and_wait(*asyncio.all_tasks(self.loop)))
        self.loop.close()
