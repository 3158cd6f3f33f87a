"""What makes the runners of a worker claim jobs: wake-ups, and polls of PostgreSQL."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any

from jobs.engine.engine import Engine
from jobs.engine.wakeups.consumer import Consumer
from jobs.engine.worker.notified_polls import NotifiedPolls
from jobs.engine.worker.poller import Poller
from jobs.engine.worker.redis_probe import RedisProbe
from jobs.engine.worker.runner import Runner

Loops = list[Coroutine[Any, Any, None]]


def claiming_loops(engine: Engine, runners: Sequence[Runner]) -> Loops:
    """What is to run until the worker claims no more jobs."""
    match engine.settings.queue:
        case "redis":
            return _woken_by_redis(engine, runners)
        case "postgres":
            return _woken_by_postgresql(engine, runners)


def _woken_by_redis(engine: Engine, runners: Sequence[Runner]) -> Loops:
    """Each wake-up is passed to one worker, which claims its job. Polls find what was not passed on."""
    redis = RedisProbe(engine)
    loops: Loops = [redis.run()]
    for runner in runners:
        loops += [_consumer(engine, runner).run(), Poller(engine, runner, redis).run()]
    return loops


def _consumer(engine: Engine, runner: Runner) -> Consumer:
    consumer = Consumer(runner.kind, engine.queue, engine.settings, room=lambda: runner.room, deliver=runner.deliver)
    runner.room_changed = consumer.room_changed
    return consumer


def _woken_by_postgresql(engine: Engine, runners: Sequence[Runner]) -> Loops:
    """Each wake-up makes all workers poll that have room. Those that get none of its job wait for the next one."""
    polls = NotifiedPolls(engine, runners)
    return [polls.run(), *(Poller(engine, runner, polls.schedule_of(runner)).run() for runner in runners)]
