"""The jobs that the conformance tests start, and assertions that several tests share."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID, uuid4

from tests.conformance.raw_client import Message, ProtocolViolation, RawClient
from tests.conformance.recordings import Recording

_NAME = "haulage-conformance"


@dataclass(frozen=True, slots=True)
class JobUnderTest:
    """The first job, with the id of the second one. `final`: its status with all files once both had been followed."""

    id: UUID
    second_id: UUID
    final: Message

    @property
    def status_path(self) -> str:
        return f"/v1/download/job/{self.id}"

    @property
    def stream_path(self) -> str:
        return f"/v1/download/stream/{self.id}"

    @property
    def websocket_path(self) -> str:
        return f"/v1/download/subscribe/{self.id}"

    @property
    def seq(self) -> int:
        """The last `seq` of an ended job."""
        return int(self.final["seq"])


@dataclass(frozen=True, slots=True)
class Followed:
    """A recording of each transport; and what a WebSocket received after the second job was unfollowed."""

    job: JobUnderTest
    recordings: Sequence[Recording]
    unfollowed: Recording


def start_job(client: RawClient, file_ids: Sequence[int]) -> UUID:
    """Starts a job. Raises `ProtocolViolation` when the server refuses."""
    body = {"file_ids": list(file_ids), "archiveName": _NAME}
    response = client.request("/v1/download/initiate", method="POST", body=body)
    if response.status != 202:
        raise ProtocolViolation(f"initiate responds {response.status}: {response.json.get('message')}")
    return UUID(response.json["jobId"])


def remove_job(client: RawClient, job_id: UUID) -> None:
    """Cancels a job that has not ended, and removes a bundle that was made."""
    for path in (f"/v1/download/job/{job_id}", f"/v1/download/job/{job_id}/bundle"):
        with suppress(ProtocolViolation):
            client.request(path, method="DELETE")


def unknown_id() -> UUID:
    """Returns the id of a job that does not exist."""
    return uuid4()


def summary(message: Message) -> str:
    """Describes a message in one line, for assertions."""
    shown = {name: message.get(name) for name in ("type", "since", "seq", "tick", "error")}
    text = ", ".join(f"{name} {value}" for name, value in shown.items() if value is not None)
    return f"{text}, {len(message.get('files') or [])} files"


def assert_starts_over(job: JobUnderTest, message: Message) -> None:
    """Asserts that the message is the whole status from the start: `since` 0 and all files."""
    total = job.final["progress"]["filesTotal"]
    assert (message.get("since"), message.get("seq")) == (0, job.seq), summary(message)
    assert len(message["files"]) == total, f"{len(message['files'])} of {total} files"


def assert_problems(client: RawClient, job: JobUnderTest, path: str) -> None:
    """Asserts that unknown and invalid ids, and invalid values of `since`, are problems."""
    expected = {
        f"{unknown_id()}": (404, "job_not_found"),
        "hello": (400, "invalid_request"),
        f"{job.id}?since=x": (400, "invalid_request"),
        f"{job.id}?since=-1": (400, "invalid_request"),
        f"{job.id}?since=": (400, "invalid_request"),
    }
    for rest, problem in expected.items():
        found = client.problem(f"{path}/{rest}")
        assert found == problem, f"{rest} responds {found}"
