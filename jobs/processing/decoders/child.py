"""The frame of the programs that decode: they read a request, report events, and end with the last one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from jobs.processing.decoders.protocol import (
    OUT,
    Done,
    Event,
    Failed,
    Made,
    Omitted,
    Rejected,
    Request,
    Started,
    encode_event,
    parse_request,
)
from jobs.processing.recipes import Output


class Refused(Exception):
    """The whole file cannot be decoded. Its text is a sentence for people."""


class CannotMake(Exception):
    """One output cannot be made. Its text is a sentence for people."""


class NothingToMake(Exception):
    """There is nothing to make an output of. Its text is a sentence for people."""


def emit(event: Event) -> None:
    """Reports an event to the worker."""
    sys.stdout.buffer.write(encode_event(event) + b"\n")
    sys.stdout.buffer.flush()


def path_of(output: Output) -> str:
    """Where an output is written."""
    return f"{OUT}/{output.name}{output.suffix}"


def make(output: Output, write: Callable[[Output], Made]) -> None:
    """Makes one output and reports how that went. `write` may raise what is declared in this module."""
    emit(Started(output.name))
    try:
        emit(write(output))
    except NothingToMake as reason:
        emit(Omitted(output.name, str(reason)))
    except CannotMake as reason:
        emit(Failed(output.name, str(reason)))


def run(decode: Callable[[Request], None]) -> None:
    """Decodes as the request on standard input says. `decode` reports all events but the last."""
    request = parse_request(sys.stdin.buffer.readline())
    Path(OUT).mkdir(exist_ok=True)
    try:
        decode(request)
    except Refused as reason:
        emit(Rejected(str(reason)))
    else:
        emit(Done())
