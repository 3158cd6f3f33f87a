"""`haulage queues`, `haulage workers` and `haulage actions`: what operators do, printed as tables or JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import typer

from app.cli.client import ApiClient, parse
from app.cli.errors import Refused
from app.cli.job_commands import print_response
from app.cli.output import print_message, print_table, time_text
from app.operator_action_schemas import OperatorAction, OperatorActionList, QueueList, QueueState, WorkerOrder
from app.operator_schemas import WorkerList, WorkerView
from jobs.engine.bulk_actions import BulkCommand, BulkState
from jobs.errors import InvalidRequest
from jobs.kinds import Kind

PAUSE = 1.0
"""Seconds between two reads of how far an action is."""
_PARTICIPLES = {BulkCommand.RETRY: "queued again", BulkCommand.CANCEL: "cancelled", BulkCommand.DELETE: "deleted"}


class QueueCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self) -> None:
        """Print all queues, and which are paused."""
        body = self._client.queues()
        if self._as_json:
            return print_response(body)
        rows = [_queue_row(queue) for queue in parse(QueueList, body).queues]
        return print_table(("QUEUE", "STATE", "SINCE", "BY", "REASON"), rows)

    def pause(self, kind: Kind, reason: str | None) -> None:
        """Pause a queue."""
        body = self._client.pause_queue(kind, reason)
        if self._as_json:
            return print_response(body)
        return print(f"The queue of {kind} jobs is paused. Jobs are accepted and wait; those that run go on.")

    def resume(self, kind: Kind) -> None:
        """Resume a queue."""
        body = self._client.resume_queue(kind)
        return print_response(body) if self._as_json else print(f"The queue of {kind} jobs is resumed.")


class WorkerCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool) -> None:
        self._client = client
        self._as_json = as_json

    def list(self) -> None:
        """Print the workers, and how many jobs each runs."""
        body = self._client.workers()
        if self._as_json:
            return print_response(body)
        rows = [_worker_row(worker) for worker in parse(WorkerList, body).workers]
        return print_table(("WORKER", "STATE", "RUNS", "KINDS", "STARTED", "HEARTBEAT"), rows)

    def drain(self, name: str) -> None:
        """Let a worker drain."""
        body = self._client.order_worker(name, "drain")
        if self._as_json:
            return print_response(body)
        found = parse(WorkerOrder, body)
        return print(f"Worker {found.name} claims no more jobs, and finishes or releases those that it runs.")

    def resume(self, name: str) -> None:
        """Let a drained worker go on."""
        body = self._client.order_worker(name, "resume")
        if self._as_json:
            return print_response(body)
        return print(f"Worker {parse(WorkerOrder, body).name} claims jobs again.")


class ActionCommands:
    """Each method prints its result. Raises what `ApiClient` raises."""

    def __init__(self, client: ApiClient, as_json: bool, sleep: Callable[[float], object] = time.sleep) -> None:
        self._client = client
        self._as_json = as_json
        self._sleep = sleep

    def list(self) -> None:
        """Print the latest actions."""
        body = self._client.actions()
        if self._as_json:
            return print_response(body)
        rows = [_action_row(action) for action in parse(OperatorActionList, body).actions]
        return print_table(("ACTION", "STATE", "COMMAND", "DONE", "LEFT ALONE", "TOTAL", "BY", "CREATED"), rows)

    def stop(self, action_id: int) -> None:
        """Stop an action."""
        body = self._client.stop_action(action_id)
        if self._as_json:
            return print_response(body)
        action = parse(OperatorAction, body)
        return print(f"Action {action.action_id} is stopped: {action.done:,} of {action.total:,} jobs were done.")

    def create(self, command: BulkCommand, wanted: Mapping[str, Any], *, confirmed: bool, wait: bool) -> None:
        """Do the command to all jobs that match, after a person has confirmed their number, and wait until it is done.

        Raises `InvalidRequest` if nobody can be asked.
        """
        count = self._count(command, wanted)
        if not count:
            return print_message(f"No job matches that can be {_PARTICIPLES[command]}.")
        if not confirmed:
            if not sys.stdin.isatty():
                raise InvalidRequest(f"{count:,} jobs match. Confirm them with --yes.")
            typer.confirm(f"{count:,} jobs will be {_PARTICIPLES[command]}. Go on?", abort=True, err=True)
        body = self._client.create_action(command, wanted, count)
        action = parse(OperatorAction, body)
        print_message(
            f"Action {action.action_id} starts in 5 s. Undo it with `haulage actions stop {action.action_id}`."
        )
        while wait and action.finished_at is None:
            self._sleep(PAUSE)
            body = self._client.action(action.action_id)
            action = parse(OperatorAction, body)
            print_message(f"{action.done + action.failed:,} of {action.total:,}")
        if self._as_json:
            return print_response(body)
        return print(_outcome(action)) if wait else None

    def _count(self, command: BulkCommand, wanted: Mapping[str, Any]) -> int:
        """How many jobs match: what the server says when it is told that none are expected."""
        try:
            self._client.create_action(command, wanted, 0)
        except Refused as error:
            count = error.details.get("count")
            if error.problem != "count_changed" or not isinstance(count, int):
                raise
            return count
        return 0


def _outcome(action: OperatorAction) -> str:
    what = f"{action.done:,} jobs were {_PARTICIPLES[action.action]}"
    if action.failed:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(action.reasons.items()))
        what += f", {action.failed:,} were left alone ({reasons})"
    return f"{what}." if action.state is BulkState.COMPLETED else f"{what} before the action was stopped."


def _queue_row(queue: QueueState) -> Sequence[str]:
    state = "paused" if queue.paused else "open"
    return queue.kind, state, time_text(queue.paused_at), queue.paused_by or "", queue.reason or ""


def _worker_row(worker: WorkerView) -> Sequence[str]:
    state = "draining" if worker.draining else "running"
    return (
        worker.name,
        state if worker.running else "lost",
        str(len(worker.jobs)),
        ",".join(one.kind for one in worker.kinds),
        time_text(worker.started_at),
        time_text(worker.heartbeat_at),
    )


def _action_row(action: OperatorAction) -> Sequence[str]:
    counts = (f"{count:,}" for count in (action.done, action.failed, action.total))
    return (
        *(str(action.action_id), action.state, action.action),
        *(*counts, action.created_by, time_text(action.created_at)),
    )
