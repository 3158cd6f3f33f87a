"""The exit codes of the command line: `haulage --help` and docs/command-line.md list them."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """What a command tells the script that runs it. A signal ends a command with 128 plus its number."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    SUCCESS = 0, "success"
    FAILED = 1, "error on this machine, or something that `doctor` found broken"
    INVALID = 2, "wrong usage, settings or request"
    NOT_STARTED = 3, "the gateway can't start, for example because its port is in use"
    NOT_FOUND = 4, "no such job, file or result"
    WRONG_STATE = 5, "not allowed in the job's state"
    EXPIRED = 6, "the result has expired"
    UNAVAILABLE = 7, "server, database, Redis or store unavailable"
    STACK_FAILED = 8, "local stack failed"
    NOT_ALLOWED = 9, "not signed in, or not allowed"
    INTERRUPTED = 130, "interrupted by Ctrl-C"
    TERMINATED = 143, "ended by SIGTERM, except `serve` and `worker`, which end with 0 then"
