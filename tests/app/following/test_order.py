"""The order of messages, pure: `judge` alone, and the hub in any interleaving of faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.following.frames import Frame
from app.following.topics import Topic
from app.serializers import status_of
from jobs.engine.events import FileView
from jobs.engine.jobs import Status
from jobs.engine.order import QUEUE_TICKS, Order, Verdict, judge, queue_tick, requested_since
from jobs.engine.sql.snapshots import Snapshot
from jobs.engine.transitions import SOURCES, Cancel, Claim, Command, Expire, Fail, Lose, Release, Retry, Succeed
from tests.app.following.followers import live
from tests.app.following.simulation import FILES, Client, Fate, Store, World
from tests.helpers.samples import NETWORK

MOVES: list[Command] = [
    Claim(worker="w", lease=10),
    Succeed(lifetime=60),
    Fail(failure=NETWORK, retry_in=0),
    Release(),
    Lose(retry_in=0),
    Cancel(),
    Retry(),
    Expire(grace=0),
]

fates = st.sampled_from(Fate)
orders = st.tuples(st.integers(0, 9), st.integers(-1, 9))


@given(orders, st.integers(0, 9), orders)
def test_a_message_is_applied_if_it_is_newer_and_leaves_no_gap(have: Order, since: int, order: Order) -> None:
    verdict = judge(have, since, order)
    assert (verdict is Verdict.OLD) == (order <= have)
    if order > have:
        assert verdict is (Verdict.NEXT if since <= have[0] else Verdict.GAP)


@given(st.lists(st.sampled_from(range(1, 8)), max_size=40), st.integers(1, 3))
def test_order_never_goes_back_and_gaps_are_always_detected(numbers: list[int], reach: int) -> None:
    """Message n tells of the last `reach` changes up to n: whoever takes it by the rule knows all changes up to n."""
    have, known = requested_since(0), set[int]()
    for number in numbers:
        since = max(0, number - reach)
        if judge(have, since, (number, 0)) is Verdict.NEXT:
            have = (number, 0)
            known |= set(range(since + 1, number + 1))
        assert known == set(range(1, have[0] + 1))


@given(st.integers(1, 2 * QUEUE_TICKS), st.integers(1, 2 * QUEUE_TICKS))
def test_a_queued_job_that_moves_up_gets_a_later_tick(place: int, moved_on: int) -> None:
    ahead = max(1, place - moved_on)
    assert queue_tick(ahead) >= queue_tick(place) >= queue_tick(None) > requested_since(0)[1]
    if place < QUEUE_TICKS and ahead < place:
        assert queue_tick(ahead) > queue_tick(place)


class Interleaving(RuleBasedStateMachine):
    """Whatever happens in whatever order: in the end every client has what the store has."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.store = self.world.store

    @initialize(remembering=st.lists(st.booleans(), min_size=1, max_size=3))
    def open_pages(self, remembering: list[bool]) -> None:
        self.world.clients += [Client(remembers_ticks=remembers) for remembers in remembering]

    def _some(self, data: st.DataObject, *, connected: bool) -> Client | None:
        """One of the clients that are connected, or of those that may connect."""
        clients = self.world.clients
        found = [it for it in clients if (it.connection is not None) == connected and not it.is_done(self.store)]
        return data.draw(st.sampled_from(found)) if found else None

    # --- the job -------------------------------------------------------------------------------------------------------

    @rule(data=st.data(), fate=fates)
    def the_job_moves(self, data: st.DataObject, fate: Fate) -> None:
        legal = [move for move in MOVES if self.store.job.status in SOURCES[type(move)]]
        command = data.draw(st.sampled_from(legal))
        if isinstance(command, Succeed):
            self.world.publish(self.store.write_batch(), fate)
        self.world.publish(self.store.move(command), fate)

    @precondition(lambda self: self.store.job.status is Status.PROCESSING)
    @rule(index=st.integers(0, FILES - 1), fate=fates)
    def a_file_is_read(self, index: int, fate: Fate) -> None:
        self.world.publish(self.store.read_file(index), fate)

    @precondition(lambda self: self.store.job.status is Status.PROCESSING)
    @rule(fate=fates)
    def a_batch_is_written(self, fate: Fate) -> None:
        self.world.publish(self.store.write_batch(), fate)

    @precondition(lambda self: self.store.place > 1)
    @rule()
    def the_queue_moves_on(self) -> None:
        self.store.place -= 1

    # --- Redis, PostgreSQL, and the hub's own clock --------------------------------------------------------------------

    @precondition(lambda self: self.world.flying)
    @rule(data=st.data())
    def a_message_comes(self, data: st.DataObject) -> None:
        event = self.world.flying.pop(data.draw(st.integers(0, len(self.world.flying) - 1)))
        self.world.do(lambda: self.world.hub.receive(event))

    @precondition(lambda self: self.store.questions)
    @rule(data=st.data())
    def postgresql_looks_up(self, data: st.DataObject) -> None:
        self.store.look_up(data.draw(st.sampled_from(self.store.questions)))

    @precondition(lambda self: any(question.looked_up for question in self.store.questions))
    @rule(data=st.data())
    def postgresql_answers(self, data: st.DataObject) -> None:
        looked_up = [question for question in self.store.questions if question.looked_up]
        question = data.draw(st.sampled_from(looked_up))
        self.world.do(lambda: self.store.answer(question))

    @precondition(lambda self: self.store.questions)
    @rule()
    def postgresql_is_quick(self) -> None:
        self.world.answer_all()

    @precondition(lambda self: self.store.questions)
    @rule(data=st.data())
    def postgresql_fails(self, data: st.DataObject) -> None:
        question = data.draw(st.sampled_from(self.store.questions))
        self.world.do(lambda: self.store.answer(question, fails=True))

    @rule()
    def the_hub_compares(self) -> None:
        self.world.compare()

    @rule(seconds=st.sampled_from([0, 0, 0, 31]))
    def the_hub_looks(self, seconds: int) -> None:
        self.world.do(lambda: self.world.hub.look(seconds))

    # --- connections ---------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def a_client_connects(self, data: st.DataObject) -> None:
        client = self._some(data, connected=False)
        if client is not None:
            self.world.do(lambda: client.connect(self.world.hub))
            if data.draw(st.booleans()):
                self.world.answer_all()

    @rule(data=st.data())
    def a_client_takes_a_message(self, data: st.DataObject) -> None:
        client = self._some(data, connected=True)
        if client is not None and client.connection is not None and client.connection.wire.written:
            self.world.do(client.take)

    @rule()
    def the_clients_take_all(self) -> None:
        self.world.take_all()

    @rule(data=st.data())
    def a_connection_breaks(self, data: st.DataObject) -> None:
        client = self._some(data, connected=True)
        if client is not None:
            self.world.do(client.lose_connection)

    # --- what holds ----------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_waits_without_bound(self) -> None:
        for client in self.world.clients:
            assert client.connection is None or len(client.connection.wire.written) <= 3  # two messages, and the end

    @rule()
    def everything_works_again(self) -> None:
        self.world.settle()
        for client in self.world.clients:
            self._has_it_all(client)
        if self.store.job.status.ended:
            assert self.world.hub.is_idle

    def teardown(self) -> None:
        try:
            self.everything_works_again()
        finally:
            self.world.close()

    def _has_it_all(self, client: Client) -> None:
        job, summary = self.store.job, client.summary
        assert summary is not None
        assert (summary.seq, summary.status, summary.attempt) == (job.seq, job.status, job.attempt)
        assert client.is_done(self.store) == job.status.ended
        if job.status is Status.QUEUED:
            assert summary.progress.queue_position == self.store.place
        sure = {index: FileView.of(record) for index, record in self.store.sure.items()}
        assert {index: client.files.get(index) for index in sure} == sure


Interleaving.TestCase.settings = settings(
    max_examples=2 * settings().max_examples, stateful_step_count=50, deadline=None
)
test_any_interleaving_ends_in_the_same_state = Interleaving.TestCase


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def test_a_failed_snapshot_read_is_repeated_later(world: World) -> None:
    store, client = world.store, Client(remembers_ticks=True)
    world.clients.append(client)
    world.settle()
    store.move(Claim(worker="w", lease=10))  # its message is lost
    batch = store.write_batch()
    world.do(lambda: world.hub.receive(batch))  # so that this one comes after a gap
    [question] = store.questions
    world.do(lambda: store.answer(question, fails=True))
    world.settle()
    assert client.order[0] == store.job.seq


def test_a_degraded_status_is_not_cached() -> None:
    store = Store()
    store.move(Claim(worker="w", lease=10))
    topic = Topic(UUID(int=7))
    snapshot = Snapshot(store.job, datetime.now(UTC), None)
    topic.cache(status_of(snapshot, None, since=None, records=[], degraded=True, root=""))
    event = live(store.job, 1)
    topic.publish(Frame(event, event.model_dump_json().encode()))
    status = topic.cached()
    assert status is None or not status.degraded


def test_a_database_with_a_lower_seq_wins_and_is_not_read_repeatedly(world: World) -> None:
    store, stayed, came = world.store, Client(remembers_ticks=True), Client(remembers_ticks=False)
    store.move(Claim(worker="w", lease=10))
    before, records = store.job, dict(store.records)
    world.clients.append(stayed)
    world.settle()
    for _ in range(3):
        world.publish(store.write_batch(), Fate.AT_ONCE)
    world.compare()
    world.answer_all()
    world.take_all()
    came.order = stayed.order
    store.job, store.records, store.latest = before, records, None  # the backup
    world.clients.append(came)
    world.do(lambda: came.connect(world.hub))
    world.answer_all()
    assert store.questions == []
    world.settle()
    for client in (stayed, came):
        assert (client.order[0], client.summary and client.summary.seq) == (before.seq, before.seq)


def test_a_last_message_that_could_not_be_sent_is_sent_by_the_reconciler(world: World) -> None:
    store, client = world.store, Client(remembers_ticks=False)
    store.move(Cancel())
    client.order = requested_since(store.job.seq)  # it has all but the end
    world.clients.append(client)
    world.do(lambda: client.connect(world.hub))
    assert client.connection is not None
    client.connection.wire.written += [b"x"] * 3  # what other jobs of the connection have to say
    world.answer_all()
    assert world.hub.followed_by(client.connection)
    client.connection.wire.written.clear()
    world.compare()
    world.answer_all()
    world.take_all()
    assert client.ended_at == store.job.seq
