"""Two jobs, followed from their start to their end by every way at once, and all that was said of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.cli.conformance.wire import UNREADABLE, Broken, Wire, require, unreadable
from jobs.engine.jobs import ENDED

Message = dict[str, Any]

_INTERVAL = 0.1
"""Seconds between two polls."""
_WAIT = 5
"""Seconds of one long-poll."""


@dataclass(slots=True)
class Recording:
    """What was said by one way. `summary_only`: it asked for no files; `fault`: how it broke, if it did."""

    way: str
    messages: list[Message] = field(default_factory=list)
    summary_only: bool = False
    fault: str = ""
    ending: str = ""

    def of(self, job_id: UUID) -> list[Message]:
        return [message for message in self.messages if message.get("jobId") == str(job_id)]


def ended(message: Message) -> bool:
    """Whether the message says that the job has ended."""
    status = message.get("status")
    return isinstance(status, str) and status in ENDED


class Recorder:
    """Follows the jobs for `patience` seconds at most."""

    def __init__(self, wire: Wire, job_ids: Sequence[UUID], patience: float) -> None:
        self._wire = wire
        self._job_ids = job_ids
        self._patience = patience
        self._deadline = time.monotonic() + patience

    def run(self) -> list[Recording]:
        """All recordings: of the first job, and of all jobs where a connection can follow many."""
        ways: dict[str, Callable[[Recording], None]] = {
            "polling": self._poll,
            "long-poll": self._wait,
            "event stream": self._stream,
            "event stream of many": self._stream_many,
            "WebSocket": self._talk,
            "WebSocket of many": self._talk_many,
        }
        with ThreadPoolExecutor(len(ways)) as pool:
            return list(pool.map(self._record, ways, ways.values()))

    def unfollowed(self) -> Recording:
        """What was still said of the second job when it was followed no more; all of it is of the first job."""
        return self._record("WebSocket of many", self._unfollow)

    def _record(self, way: str, follow: Callable[[Recording], None]) -> Recording:
        recording = Recording(way)
        try:
            follow(recording)
        except Broken as error:
            recording.fault = str(error)
        except UNREADABLE as error:
            recording.fault = unreadable(error)
        return recording

    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())

    def _poll(self, recording: Recording) -> None:
        recording.summary_only = True
        for _ in self._answers(recording, f"/v1/download/job/{self._job_ids[0]}", {}):
            time.sleep(_INTERVAL)

    def _wait(self, recording: Recording) -> None:
        headers = {"Prefer": f"wait={_WAIT}"}
        for _ in self._answers(recording, f"/v1/download/job/{self._job_ids[0]}?since={{}}", headers):
            pass

    def _answers(self, recording: Recording, path: str, headers: dict[str, str]) -> Iterator[None]:
        """Asks again and again, each time with what it has."""
        etag, seq = "", 0
        while time.monotonic() < self._deadline:
            seen = {"If-None-Match": etag} if etag else {}
            reply = self._wire.ask(path.format(seq), headers | seen, patience=_WAIT + 10.0)
            if reply.status != 304:  # noqa: PLR2004 - not modified
                require(reply.status == 200, f"{path} is answered {reply.status}")  # noqa: PLR2004 - OK
                message = reply.json
                recording.messages.append(message)
                etag, seq = reply.headers.get("ETag", ""), message.get("seq", 0)
                if ended(message):
                    return
            yield

    def _stream(self, recording: Recording) -> None:
        self._listen(recording, f"/v1/download/stream/{self._job_ids[0]}")

    def _stream_many(self, recording: Recording) -> None:
        jobs = ",".join(f"{job_id}:0" for job_id in self._job_ids)
        self._listen(recording, f"/v1/download/stream?jobs={jobs}")

    def _listen(self, recording: Recording, path: str) -> None:
        stream = self._wire.stream(path, patience=self._left() + 1, total=self._left())
        recording.messages += stream.messages
        recording.ending = "ended" if stream.ended else "open"

    def _talk(self, recording: Recording) -> None:
        with self._wire.talk(f"/v1/download/subscribe/{self._job_ids[0]}") as talk:
            while not (recording.messages and ended(recording.messages[-1])):
                recording.messages.append(talk.hear(self._left()))
            recording.ending = f"closed with {talk.closed()}"

    def _talk_many(self, recording: Recording) -> None:
        left = {str(job_id) for job_id in self._job_ids}
        with self._wire.talk("/v1/download/subscribe") as talk:
            talk.say({"type": "follow", "jobs": [{"jobId": job_id, "since": 0} for job_id in left]})
            while left:
                message = talk.hear(self._left())
                recording.messages.append(message)
                if ended(message):
                    left.discard(message["jobId"])
            talk.require_open()
            recording.ending = "open"

    def _unfollow(self, recording: Recording) -> None:
        first, second = map(str, self._job_ids)
        with self._wire.talk("/v1/download/subscribe") as talk:
            talk.say({"type": "follow", "jobs": [{"jobId": job_id} for job_id in (first, second)]})
            said: dict[Any, Message] = {}
            while second not in said:
                message = talk.hear(self._left())
                said[message.get("jobId")] = message
            talk.say({"type": "unfollow", "jobs": [second]})
            talk.say({"type": "dance"})  # the answer to it shows that what was said before was heard
            while (message := talk.hear(self._left())).get("type") != "error":
                said[message.get("jobId")] = message
            recording.ending = "late" if any(map(ended, said.values())) else "unfollowed"
            while not ended(said.get(first, {})):
                message = said[first] = talk.hear(self._left())
                recording.messages.append(message)
