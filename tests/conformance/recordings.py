"""Two jobs, followed from start to end over every transport at once, with all messages recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

from jobs.engine.jobs import ENDED
from tests.conformance.raw_client import Message, ProtocolViolation, RawClient

_POLL_INTERVAL = 0.1
_LONG_POLL_WAIT = 5
_MALFORMED = (LookupError, TypeError, ValueError, OverflowError)
"""What a value of the wrong type raises."""


def has_ended(message: Message) -> bool:
    """Returns True if the message says that the job has ended."""
    status = message.get("status")
    return isinstance(status, str) and status in ENDED


@dataclass(slots=True)
class Recording:
    """The messages of one transport.

    `summary_only`: the client requested no files. `fault`: why recording stopped early. `ending`: how the connection ended.
    """

    transport: str
    messages: list[Message] = field(default_factory=list)
    summary_only: bool = False
    fault: str = ""
    ending: str = ""

    def of(self, job_id: UUID) -> list[Message]:
        """Returns the messages about one job."""
        return [message for message in self.messages if message.get("jobId") == str(job_id)]


class Recorder:
    """Follows two jobs for at most `timeout` seconds."""

    def __init__(self, client: RawClient, job_ids: Sequence[UUID], timeout: float) -> None:
        self._client = client
        self._job_ids = job_ids
        self._deadline = time.monotonic() + timeout
        self._unfollowed = threading.Event()

    def wait_until_unfollowed(self) -> None:
        """Waits, in another thread than `run`, until the second job was unfollowed, or could not be."""
        self._unfollowed.wait(self._left())

    def run(self) -> tuple[list[Recording], Recording]:
        """Records every transport, and separately a WebSocket on which the second job is unfollowed.

        The second result holds only what was received after `unfollow`; its `ending` is `late` when a job had ended before.
        """
        transports: dict[str, Callable[[Recording], None]] = {
            "unfollowed": self._unfollow,  # first: it has to be done before a job ends
            "polling": self._poll,
            "long-poll": self._long_poll,
            "event stream": self._event_stream,
            "event stream of many": self._event_stream_of_many,
            "WebSocket": self._websocket,
            "WebSocket of many": self._websocket_of_many,
        }
        with ThreadPoolExecutor(len(transports)) as pool:
            unfollowed, *recordings = pool.map(self._record, transports, transports.values())
        return recordings, unfollowed

    def _record(self, transport: str, follow: Callable[[Recording], None]) -> Recording:
        recording = Recording(transport)
        try:
            follow(recording)
        except ProtocolViolation as error:
            recording.fault = str(error)
        except _MALFORMED as error:
            recording.fault = f"malformed message: {type(error).__name__} {error}"
        return recording

    def _left(self) -> float:
        return max(0.1, self._deadline - time.monotonic())

    def _poll(self, recording: Recording) -> None:
        recording.summary_only = True
        for _ in self._responses(recording, f"/v1/download/job/{self._job_ids[0]}", {}):
            time.sleep(_POLL_INTERVAL)

    def _long_poll(self, recording: Recording) -> None:
        headers = {"Prefer": f"wait={_LONG_POLL_WAIT}"}
        for _ in self._responses(recording, f"/v1/download/job/{self._job_ids[0]}?since={{}}", headers):
            pass

    def _responses(self, recording: Recording, path: str, headers: dict[str, str]) -> Iterator[None]:
        """Polls until the job has ended, each time with the ETag and `seq` of the last response."""
        etag, seq = "", 0
        while time.monotonic() < self._deadline:
            conditions = {"If-None-Match": etag} if etag else {}
            response = self._client.request(path.format(seq), headers | conditions, timeout=_LONG_POLL_WAIT + 10.0)
            if response.status != 304:
                if response.status != 200:
                    raise ProtocolViolation(f"{path} responds {response.status}")
                message = response.json
                recording.messages.append(message)
                etag, seq = response.headers.get("ETag", ""), message.get("seq", 0)
                if has_ended(message):
                    return
            yield

    def _event_stream(self, recording: Recording) -> None:
        self._read_stream(recording, f"/v1/download/stream/{self._job_ids[0]}")

    def _event_stream_of_many(self, recording: Recording) -> None:
        jobs = ",".join(f"{job_id}:0" for job_id in self._job_ids)
        self._read_stream(recording, f"/v1/download/stream?jobs={jobs}")

    def _read_stream(self, recording: Recording, path: str) -> None:
        stream = self._client.stream(path, timeout=self._left() + 1, total=self._left())
        recording.messages += stream.messages
        recording.ending = "ended" if stream.ended else "open"

    def _websocket(self, recording: Recording) -> None:
        with self._client.websocket(f"/v1/download/subscribe/{self._job_ids[0]}") as websocket:
            while not (recording.messages and has_ended(recording.messages[-1])):
                recording.messages.append(websocket.receive(self._left()))
            recording.ending = f"closed with {websocket.close_code()}"

    def _websocket_of_many(self, recording: Recording) -> None:
        running = {str(job_id) for job_id in self._job_ids}
        with self._client.websocket("/v1/download/subscribe") as websocket:
            websocket.send({"type": "follow", "jobs": [{"jobId": job_id, "since": 0} for job_id in running]})
            while running:
                message = websocket.receive(self._left())
                recording.messages.append(message)
                if has_ended(message):
                    running.discard(message["jobId"])
            websocket.assert_open()
            recording.ending = "open"

    def _unfollow(self, recording: Recording) -> None:
        first, second = map(str, self._job_ids)
        try:
            with self._client.websocket("/v1/download/subscribe") as websocket:
                websocket.send({"type": "follow", "jobs": [{"jobId": job_id} for job_id in (first, second)]})
                latest: dict[str, Message] = {}
                while second not in latest:
                    message = websocket.receive(self._left())
                    latest[str(message.get("jobId"))] = message
                websocket.send({"type": "unfollow", "jobs": [second]})
                websocket.send({"type": "dance"})  # its error response shows that `unfollow` was processed
                while (message := websocket.receive(self._left())).get("type") != "error":
                    latest[str(message.get("jobId"))] = message
                self._unfollowed.set()
                recording.ending = "late" if any(map(has_ended, latest.values())) else "unfollowed"
                while not has_ended(latest.get(first, {})):
                    message = latest[first] = websocket.receive(self._left())
                    recording.messages.append(message)
        finally:
            self._unfollowed.set()
