"""A gateway or worker as a process of its own, whose log lines are the signals that tests wait for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from pydantic import SecretStr

from jobs.settings import Settings

PATIENCE = 60.0
"""Seconds within which anything that a test waits for has happened, even on a busy machine."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log."""

    event: str
    at: datetime
    fields: Mapping[str, Any]

    def matches(self, event: str, fields: Mapping[str, Any]) -> bool:
        return self.event == event and all(self.fields.get(name) == value for name, value in fields.items())


class Member:
    """A running process. Everything that it logs is kept in `log_lines`, and in the file `log`."""

    def __init__(self, process: Process, log: Path, name: str) -> None:
        self.process = process
        self.name = name
        self.log_lines: list[LogLine] = []
        self._log = log
        self._changed = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.returncode is None

    async def logged(
        self, event: str, *, after: datetime | None = None, patience: float = PATIENCE, **fields: Any
    ) -> LogLine:
        """Waits for the first line with this event and these fields. Raises `TimeoutError`."""

        def found() -> LogLine | None:
            lines = (it for it in self.log_lines if it.matches(event, fields))
            return next((it for it in lines if after is None or it.at > after), None)

        async with asyncio.timeout(patience), self._changed:
            await self._changed.wait_for(lambda: found() is not None or self._reading.done())
        line = found()
        assert line is not None, f"{self.name} has ended and never logged {event} {fields}: see {self._log}"
        return line

    def lines(self, event: str, **fields: Any) -> list[LogLine]:
        """All lines so far with this event and these fields."""
        return [it for it in self.log_lines if it.matches(event, fields)]

    def errors(self) -> list[LogLine]:
        """All lines of the levels `error` and `critical`."""
        return [it for it in self.log_lines if it.fields.get("level") in {"error", "critical"}]

    # --- what is done to it --------------------------------------------------------------------------------------------

    async def kill(self) -> None:
        """Sends SIGKILL and waits for the end."""
        self.signal(signal.SIGKILL)
        await self.wait_ended()

    def stop(self) -> None:
        """Suspends the process (SIGSTOP), like a long pause of its machine."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    async def drain(self) -> float:
        """SIGTERM; returns the seconds that it took to end."""
        begun = monotonic()
        self.signal(signal.SIGTERM)
        await self.wait_ended()
        return monotonic() - begun

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self.pid, number)

    async def wait_ended(self, patience: float = PATIENCE) -> None:
        """Returns when the process has ended. Raises `TimeoutError`."""
        async with asyncio.timeout(patience):
            await self.process.wait()
            await self._reading

    async def _read(self) -> None:
        assert self.process.stderr is not None
        with self._log.open("ab") as file:
            async for line in self.process.stderr:
                file.write(line)
                file.flush()
                self._keep(line)
                async with self._changed:
                    self._changed.notify_all()
        async with self._changed:
            self._changed.notify_all()

    def _keep(self, line: bytes) -> None:
        try:
            fields = json.loads(line)
            said = LogLine(fields.pop("event"), datetime.fromisoformat(fields.pop("timestamp")), fields)
        except (ValueError, KeyError, AttributeError, TypeError):
            return  # a line that is not of our log: a trace of the interpreter
        self.log_lines.append(said)


async def start(settings: Settings, log: Path, name: str, *command: str, root: Path = ROOT) -> Member:
    """Starts `python -m` with these arguments, and the settings in its environment. `root`: the folder of the code."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "LANG", "TMPDIR", "HOME"}}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *command,
        cwd=root,
        env=kept | variables(settings),
        stdin=DEVNULL,
        stderr=PIPE,
        limit=1 << 24,
    )
    return Member(process, log, name)


def variables(settings: Settings) -> dict[str, str]:
    """All settings as an environment."""
    values = {name: value for name, value in settings.model_dump().items() if value is not None}
    return {name.upper(): _written(value) for name, value in values.items()}


def _written(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return json.dumps(value)
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
