"""The rules of docs/protocol.md that can be seen from outside, in its order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.cli.conformance.cases import Case
from app.cli.conformance.recordings import Message, Recording, ended
from app.cli.conformance.wire import V1, Broken, Said, Skipped, Stream, Talk, require
from app.schemas import JobStatus
from jobs.engine.events import Event, EventType, FileView, ProgressView
from jobs.engine.events import Message as Model
from jobs.engine.order import Verdict, judge, requested_since

FUTURE = 1_000_000
"""Above every `seq` that the job can have."""
FOREIGN = "https://haulage.invalid"
MAX_SAID = 64 * 1024
MAX_JOBS = 100
MAX_STREAMED = 50
MAX_FAULTS = 10
SILENCE = 20.0
"""Seconds without a byte after which a stream is broken."""
QUIET = 35.0
"""Seconds for which a stream without messages is watched."""
PING = 35.0
"""Seconds in which a silent socket is pinged."""
_LIVE = frozenset({EventType.PROGRESS, EventType.RETRYING, EventType.GONE})

Check = Callable[[Case], None]


@dataclass(frozen=True, slots=True)
class Rule:
    """`check` raises `Broken` or `Skipped`."""

    said: str
    check: Check


RULES: list[Rule] = []


def rule(said: str) -> Callable[[Check], Check]:
    """Adds a rule."""

    def add(check: Check) -> Check:
        RULES.append(Rule(said, check))
        return check

    return add


# --- messages and their order -------------------------------------------------------------------------------------------


@rule("the job ends")
def _(case: Case) -> None:
    seen = f"it is {case.final.get('status')} after {case.patience:g} s: is a worker running?"
    require(ended(case.final), seen)


@rule("every way brings messages")
def _(case: Case) -> None:
    for recording in case.recordings:
        require(recording.messages, f"{recording.way}: {recording.fault or 'nothing came'}")


@rule("every message has the fields of its type, and their values")
def _(case: Case) -> None:
    for recording, message in _all(case):
        try:
            kind = EventType(str(message.get("type")))
            model = Event if kind in _LIVE else JobStatus
            lacking = sorted(_names(model) - set(message))
            require(not lacking, f"{recording.way}: a {kind} without {', '.join(lacking)}")
            _check_values(model.model_validate(message), message)
        except (ValidationError, ValueError, Broken) as error:
            raise Broken(f"{recording.way}: {' '.join(str(error).split())[:200]}") from error


def _names(model: type[Model]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _check_values(event: Event, message: Message) -> None:
    progress = event.progress
    require(_names(ProgressView) <= set(message["progress"]), f"progress has only {sorted(message['progress'])}")
    require(event.ts.tzinfo is not None, f"ts {message['ts']} has no time zone")
    require(progress.percent is None or 0 <= progress.percent <= 100, f"percent is {progress.percent}")  # noqa: PLR2004
    require(0 <= event.since <= event.seq, f"since is {event.since}, seq {event.seq}")
    require(event.tick >= 0, f"tick is {event.tick}")
    for file in message["files"]:
        require(_names(FileView) <= set(file), f"a file has only {sorted(file)}")


@rule("the first message over a connection is a whole status, since what was asked")
def _(case: Case) -> None:
    for recording, messages in _each(case):
        if not recording.summary_only:
            first = messages[0]
            require(first.get("type") not in _LIVE, f"{recording.way}: {first.get('type')}")
            require(first.get("since") == 0, f"{recording.way}: since {first.get('since')} instead of 0")


@rule("order (seq, tick) never goes back")
def _(case: Case) -> None:
    for recording, messages in _each(case):
        have = requested_since(0)
        for message in messages:
            order = (message["seq"], message["tick"])
            grows = order >= have if recording.summary_only else order > have
            require(grows, f"{recording.way}: {order} after {have}")
            have = order


@rule("nothing is missing in between: no message is since more than the client has")
def _(case: Case) -> None:
    for recording, messages in _each(case):
        if recording.summary_only:
            continue
        have = requested_since(0)
        for message in messages:
            order = (message["seq"], message["tick"])
            verdict = judge(have, message["since"], order)
            require(verdict is not Verdict.GAP, f"{recording.way}: since {message['since']} after {have}")
            have = order


@rule("the last message is the end of the job, and the same by every way")
def _(case: Case) -> None:
    wanted = _lasting(case.final) if case.seq else {}
    for recording in case.recordings:
        messages = recording.of(case.job)
        last = messages[-1] if messages else {}
        require(ended(last), f"{recording.way}: {recording.fault or last.get('status')}")
        seen = _lasting(last)
        differing = [name for name in sorted(wanted | seen) if wanted.get(name) != seen.get(name)]
        require(not differing, f"{recording.way}: another {', '.join(differing)} than GET ?since=0")
        require(last["type"] == last["status"], f"{recording.way}: type {last['type']}, status {last['status']}")


def _lasting(message: Message) -> Message:
    """What does not depend on when and since when it was asked for."""
    return {name: value for name, value in message.items() if name not in {"since", "ts", "files"}}


@rule("the files of all messages together are the files of the job")
def _(case: Case) -> None:
    wanted = {file["index"]: file for file in case.final["files"]} if case.seq else {}
    for recording in case.recordings:
        if recording.summary_only:
            continue
        files = {file["index"]: file for message in recording.of(case.job) for file in message["files"]}
        differing = [index for index in sorted(wanted | files) if wanted.get(index) != files.get(index)]
        require(not differing, f"{recording.way}: file {differing[:1]} is {[files.get(i) for i in differing[:1]]}")


@rule("connections that follow what has ended end, but a socket of many stays")
def _(case: Case) -> None:
    require(case.seq, "")
    endings = {"event stream": "ended", "event stream of many": "ended", "WebSocket": "closed with 1000"}
    endings["WebSocket of many"] = "open"
    for recording in case.recordings:
        wanted = endings.get(recording.way, "")
        require(recording.ending == wanted, f"{recording.way}: {recording.fault or recording.ending or 'open'}")


def _all(case: Case) -> Iterator[tuple[Recording, Message]]:
    return ((recording, message) for recording in case.recordings for message in recording.messages)


def _each(case: Case) -> Iterator[tuple[Recording, list[Message]]]:
    """What each way said of each job."""
    for recording in case.recordings:
        for job in case.jobs:
            messages = recording.of(job)
            if messages:
                yield recording, messages


# --- polling ------------------------------------------------------------------------------------------------------------


@rule("polling: an unchanged ETag is answered 304 without a body (RFC 9110, 13.1.2)")
def _(case: Case) -> None:
    require(case.seq, "")
    first = case.wire.ask(case.status_path)
    etag = first.headers.get("ETag", "")
    require(etag, "there is no ETag")
    for said in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        again = case.wire.ask(case.status_path, {"If-None-Match": said})
        require(again.status == 304, f"If-None-Match: {said} is answered {again.status}")  # noqa: PLR2004
        require(again.headers.get("ETag") == etag, f"the 304 has ETag {again.headers.get('ETag')}")
        require(not again.body, "the 304 has a body")
    other = case.wire.ask(case.status_path, {"If-None-Match": '"other"'})
    require(other.status == 200, f"another tag is answered {other.status}")  # noqa: PLR2004


@rule("polling: `since` names the files that have changed after it")
def _(case: Case) -> None:
    seq = case.seq
    none = case.wire.ask(f"{case.status_path}?since={seq}").json
    require((none.get("since"), none.get("files")) == (seq, []), f"since={seq}: {_summary(none)}")
    summary = case.wire.ask(case.status_path).json
    require((summary.get("since"), summary.get("files")) == (seq, []), f"without since: {_summary(summary)}")
    everything = case.wire.ask(f"{case.status_path}?since=0").json
    total = everything["progress"]["filesTotal"]
    require(len(everything["files"]) == total, f"since=0 names {len(everything['files'])} of {total} files")


@rule("polling: a `since` from the future is answered from the start, with `since` 0")
def _(case: Case) -> None:
    _check_anew(case, case.wire.ask(f"{case.status_path}?since={case.seq + FUTURE}").json)


@rule("polling: a long-poll of an ended job is answered at once (RFC 7240, 4.3)")
def _(case: Case) -> None:
    require(case.seq, "")
    asked = time.monotonic()
    reply = case.wire.ask(case.status_path, {"Prefer": "wait=9"})
    taken = time.monotonic() - asked
    require(reply.status == 200 and taken < 5, f"{reply.status} after {taken:.1f} s")  # noqa: PLR2004
    applied = reply.headers.get("Preference-Applied")
    require(applied == "wait=9", f"Preference-Applied is {applied}")


@rule("polling: what can't be answered is a problem: 404 unknown job, 400 no UUID, 400 bad since")
def _(case: Case) -> None:
    _check_problems(case, "/v1/download/job")


# --- event streams ------------------------------------------------------------------------------------------------------


@rule("event stream: a silent one gets a comment every 15 s (WHATWG HTML, 9.2.7)")
def _(case: Case) -> None:
    if not case.slow:
        raise Skipped(f"it takes {QUIET:g} s: --slow")
    if ended(case.final):
        raise Skipped("only a job that goes on can be silent")
    began = time.monotonic()
    stream = case.wire.stream(case.stream_path, patience=SILENCE, total=QUIET)
    require(time.monotonic() - began > QUIET or stream.ended, f"nothing came for {SILENCE:g} s")
    require(stream.parser.comments > 1 or len(stream.events) > 1, f"no comment within {QUIET:g} s")


@rule("event stream: headers that keep proxies from holding it back")
def _(case: Case) -> None:
    reply = case.wire.stream(case.stream_path, patience=2, total=0.1).reply
    headers = {name.lower(): value.lower() for name, value in reply.headers.items()}
    kind = headers.get("content-type", "").partition(";")[0]
    require((reply.status, kind) == (200, "text/event-stream"), f"{reply.status} {kind}")
    cache = {part.strip() for part in headers.get("cache-control", "").split(",")}
    require({"no-cache", "no-transform"} <= cache, f"Cache-Control is {headers.get('cache-control')}")
    buffering = headers.get("x-accel-buffering")
    require(buffering == "no", f"X-Accel-Buffering is {buffering}")
    for name in ("content-length", "content-encoding"):
        require(name not in headers, f"it has {name}: {headers.get(name)}")


@rule("event stream: begins with `retry` and a comment; an event is named by its type, its id is seq.tick")
def _(case: Case) -> None:
    stream = _stream(case, case.stream_path)
    require(stream.parser.retry is not None, "it has no retry")
    require(stream.parser.comments, "it has no comment")
    for event, message in zip(stream.events, stream.messages, strict=True):
        require(event.type == message.get("type"), f"event {event.type}, type {message.get('type')}")
        wanted = f"{message.get('seq')}.{message.get('tick')}"
        require(event.id == wanted, f"id {event.id} instead of {wanted}")


@rule("event stream: `since` leaves out what the client has")
def _(case: Case) -> None:
    before = case.seq - 1
    first = _first(_stream(case, f"{case.stream_path}?since={before}"))
    require(first.get("since") == before, f"{_summary(first)}")


@rule("event stream: `Last-Event-ID` goes before `since` (WHATWG HTML, 9.2.4)")
def _(case: Case) -> None:
    before = case.seq - 1
    first = _first(_stream(case, f"{case.stream_path}?since=0", {"Last-Event-ID": f"{before}.0"}))
    require(first.get("since") == before, f"{_summary(first)}")


@rule("event stream: a `Last-Event-ID` that is none of the server's says nothing")
def _(case: Case) -> None:
    before = case.seq - 1
    for said in ("hello", "1", "1.2.3", "-1.0", "9" * 40 + ".0"):
        first = _first(_stream(case, f"{case.stream_path}?since={before}", {"Last-Event-ID": said}))
        require(first.get("since") == before, f"{said[:9]}: {_summary(first)}")


@rule("event stream: who has the end of the job is answered 204, and need not come back (WHATWG HTML, 9.2.3)")
def _(case: Case) -> None:
    seq = case.seq
    for path, headers in ((case.stream_path, {"Last-Event-ID": f"{seq}.0"}), (f"{case.stream_path}?since={seq}", {})):
        stream = case.wire.stream(path, headers)
        require(stream.reply.status == 204, f"{path} {headers or ''} is answered {stream.reply.status}")  # noqa: PLR2004


@rule("event stream: a place from the future is answered from the start, with `since` 0")
def _(case: Case) -> None:
    future = case.seq + FUTURE
    _check_anew(case, _first(_stream(case, f"{case.stream_path}?since={future}")))
    _check_anew(case, _first(_stream(case, case.stream_path, {"Last-Event-ID": f"{future}.0"})))


@rule("event stream: what can't be answered is a problem: 404 unknown job, 400 no UUID, 400 bad since")
def _(case: Case) -> None:
    _check_problems(case, "/v1/download/stream")


@rule("event stream of many: each job from its own `since`, without ids")
def _(case: Case) -> None:
    before = case.seq - 1
    first, second = case.jobs
    stream = _stream(case, f"/v1/download/stream?jobs={first}:{before},{second}")
    since = {message["jobId"]: message["since"] for message in reversed(stream.messages)}
    require(since == {str(first): before, str(second): 0}, f"since {since}")
    ids = [event.id for event in stream.events if event.id is not None]
    require(not ids, f"id {ids[:1]}")


@rule("event stream of many: 404 for one unknown job, 400 for none, too many or bad ones")
def _(case: Case) -> None:
    path = "/v1/download/stream?jobs="
    found = case.wire.refused(f"{path}{case.job}:0,{case.unknown}:0")
    require(found == (404, "job_not_found"), f"an unknown job: {found}")
    many = ",".join(str(case.unknown) for _ in range(MAX_STREAMED + 1))
    for said in ("", "hello", f"{case.job}:x", f"{case.job}:-1", many):
        found = case.wire.refused(path + said)
        require(found == (400, "invalid_request"), f"jobs={said[:40]}: {found}")


# --- WebSocket ----------------------------------------------------------------------------------------------------------


@rule("WebSocket: haulage.v1 is chosen wherever it is offered, none where none is (RFC 6455, 4.2.2)")
def _(case: Case) -> None:
    for offered, chosen in (((V1,), V1), (("other", V1), V1), ((), None)):
        with case.wire.talk("/v1/download/subscribe", offered=offered) as talk:
            seen = talk.connection.subprotocol
            require(seen == chosen, f"{', '.join(offered) or 'none'} offered, {seen} chosen")
            talk.require_open()


@rule("WebSocket: another subprotocol is accepted and closed with 4406")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe", offered=("other", "third")) as talk:
        seen = talk.connection.subprotocol
        require(seen == "other", f"{seen} chosen")
        _require_closed(talk, 4406)


@rule("WebSocket: an unknown job is closed with 4404")
def _(case: Case) -> None:
    with case.wire.talk(f"/v1/download/subscribe/{case.unknown}") as talk:
        _require_closed(talk, 4404)


@rule("WebSocket: no UUID and a bad `since` are closed with 4400")
def _(case: Case) -> None:
    for path in ("/v1/download/subscribe/hello", *(f"{case.socket_path}?since={bad}" for bad in ("x", "-1", "1.5"))):
        with case.wire.talk(path) as talk:
            _require_closed(talk, 4400, path)


@rule("WebSocket: a page of a foreign origin is closed with 4403 (RFC 6455, 10.2), one of the server's own is not")
def _(case: Case) -> None:
    with case.wire.talk(case.socket_path, origin=case.wire.origin) as talk:
        code = _ended_or_open(case, talk)
        require(code in {None, 1000}, f"its own origin is closed with {code}")
    allowed = case.wire.ask(case.status_path, {"Origin": FOREIGN}).headers.get("Access-Control-Allow-Origin")
    if allowed is not None:
        raise Skipped(f"the server lets pages of {allowed} in")
    with case.wire.talk(case.socket_path, origin=FOREIGN) as talk:
        _require_closed(talk, 4403)


@rule("WebSocket: a host name that is not served is closed with 4421")
def _(case: Case) -> None:
    host = FOREIGN.removeprefix("https://")
    if case.wire.ask("/health/live", {"Host": host}).json.get("error") != "wrong_host":
        raise Skipped("every host name is served, or a proxy says another one")
    with case.wire.talk(case.socket_path, host=host) as talk:
        _require_closed(talk, 4421)


@rule("WebSocket: of an ended job its end is said, and then closed with 1000")
def _(case: Case) -> None:
    seq = case.seq
    for since, wanted in ((0, 0), (seq - 1, seq - 1), (seq, seq)):
        with case.wire.talk(f"{case.socket_path}?since={since}") as talk:
            said = talk.hear()
            require(ended(said) and said["since"] == wanted, f"since={since}: {_summary(said)}")
            _require_closed(talk, 1000)


@rule("WebSocket: a `since` from the future is answered from the start, with `since` 0")
def _(case: Case) -> None:
    with case.wire.talk(f"{case.socket_path}?since={case.seq + FUTURE}") as talk:
        _check_anew(case, talk.hear())


@rule("WebSocket: a ping is answered (RFC 6455, 5.5.3)")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe") as talk:
        talk.require_open()


@rule("WebSocket: a silent connection is pinged every 30 s")
def _(case: Case) -> None:
    if not case.slow:
        raise Skipped(f"it takes {PING:g} s: --slow")
    with case.wire.talk("/v1/download/subscribe") as talk:
        time.sleep(PING)
        require(talk.connection.pings, f"no ping within {PING:g} s")
        talk.require_open()


@rule("WebSocket of many: a message that is no JSON, of no known type or binary is told, and nothing else happens")
def _(case: Case) -> None:
    follow: dict[str, Any] = {"type": "follow", "jobs": [{"jobId": str(case.job), "since": case.seq}]}
    bad: list[Said] = [
        "hello",
        b"\x00",
        {"type": "dance"},
        {"type": "follow", "jobs": []},
        follow | {"more": 1},
        "[]",
        "",
    ]
    with case.wire.talk("/v1/download/subscribe") as talk:
        for message in bad:
            talk.say(message)
            said = talk.complaint()
            found = (said["error"], said["jobId"])
            require(found == ("invalid_request", None), f"{message!r} is answered {found}")
        talk.say(follow)
        require(ended(talk.hear()), "it follows no more")


@rule("WebSocket of many: an unknown job is told with its id, and the others of the message are followed")
def _(case: Case) -> None:
    unknown = str(case.unknown)
    with case.wire.talk("/v1/download/subscribe") as talk:
        jobs = [{"jobId": unknown}, {"jobId": str(case.job), "since": case.seq}]
        talk.say({"type": "follow", "jobs": jobs})
        said = [talk.hear(), talk.hear()]  # in any order
        found = [(it.get("error"), it.get("jobId")) for it in said if it.get("type") == "error"]
        require(found == [("job_not_found", unknown)], f"{found}")
        require(any(ended(it) for it in said), "the other job is not followed")


@rule("WebSocket of many: of a job that was unfollowed there is no more, and of the others there is")
def _(case: Case) -> None:
    found = case.unfollowed
    require(case.seq and not found.fault, found.fault)
    if found.ending == "late":
        raise Skipped("a job had ended before")
    more = found.of(case.jobs[1])
    require(not more, f"{_summary(more[0])}" if more else "")
    require(found.of(case.job), "nothing came of the other job")


@rule("WebSocket of many: a job from the future is answered from the start, with `since` 0")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe") as talk:
        talk.say({"type": "follow", "jobs": [{"jobId": str(case.job), "since": case.seq + FUTURE}]})
        _check_anew(case, talk.hear())


@rule("WebSocket of many: more than 100 jobs are told, and none of them is followed")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe") as talk:
        jobs = [{"jobId": str(job)} for job in (case.job, *(case.unknown for _ in range(MAX_JOBS)))]
        talk.say({"type": "follow", "jobs": jobs})
        said = talk.complaint()
        require(said["error"] == "too_many_jobs", f"{said}")
        talk.say({"type": "unfollow", "jobs": [str(case.unknown)]})
        talk.say({"type": "dance"})
        said = talk.complaint()
        require(said["error"] == "invalid_request", f"then {said}")


@rule("WebSocket of many: 64 KiB may be said at once, more is closed with 1009 (RFC 6455, 7.4.1)")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe") as talk:
        talk.say("x" * MAX_SAID)
        talk.complaint()
        talk.say("x" * (MAX_SAID + 1))
        _require_closed(talk, 1009)


@rule("WebSocket of many: the tenth faulty message is closed with 4400")
def _(case: Case) -> None:
    with case.wire.talk("/v1/download/subscribe") as talk:
        for _ in range(MAX_FAULTS - 1):
            talk.say("hello")
            talk.complaint()
        talk.require_open()
        talk.say("hello")
        _require_closed(talk, 4400)


# --- what several rules need --------------------------------------------------------------------------------------------


def _stream(case: Case, path: str, headers: dict[str, str] | None = None) -> Stream:
    """A stream of what has ended, to its end."""
    require(case.seq, "")
    stream = case.wire.stream(path, headers)
    require(stream.reply.status == 200, f"{path} {headers or ''} is answered {stream.reply.status}")  # noqa: PLR2004
    require(stream.ended, "it goes on after the end of the job")
    require(stream.events, "it says nothing")
    return stream


def _first(stream: Stream) -> Message:
    return stream.messages[0]


def _check_anew(case: Case, message: Message) -> None:
    total = case.final["progress"]["filesTotal"]
    require(message.get("since") == 0 and message.get("seq") == case.seq, _summary(message))
    require(len(message["files"]) == total, f"{len(message['files'])} of {total} files")


def _check_problems(case: Case, path: str) -> None:
    wanted: Sequence[tuple[str, tuple[int, str]]] = (
        (f"{case.unknown}", (404, "job_not_found")),
        ("hello", (400, "invalid_request")),
        (f"{case.job}?since=x", (400, "invalid_request")),
        (f"{case.job}?since=-1", (400, "invalid_request")),
        (f"{case.job}?since=", (400, "invalid_request")),
    )
    for rest, answer in wanted:
        found = case.wire.refused(f"{path}/{rest}")
        require(found == answer, f"{rest} is answered {found}")


def _require_closed(talk: Talk, code: int, what: str = "") -> None:
    found = talk.closed()
    require(found == code, f"{what} is closed with {found}".strip())


def _ended_or_open(case: Case, talk: Talk) -> int | None:
    """The code with which a socket of our job is closed; None when it goes on since the job does."""
    return talk.closed() if ended(case.final) else None


def _summary(message: Message) -> str:
    shown = {name: message.get(name) for name in ("type", "since", "seq", "tick", "error")}
    said = ", ".join(f"{name} {value}" for name, value in shown.items() if value is not None)
    return f"{said}, {len(message.get('files') or [])} files"
