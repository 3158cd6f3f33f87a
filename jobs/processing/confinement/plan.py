"""How a child is to be restricted, as arguments of the launcher.

A plain class, and no JSON: whatever the launcher imports is time that every child takes to start. `dataclasses` and `json`
would be ten milliseconds.
"""

from __future__ import annotations

NICENESS = 10
"""How far decoders give way to the gateway, the database and the store, for which people wait."""
CONTROL = 3
"""The control socket is this descriptor in a fork of a template: the one after standard error."""


class Plan:
    """The restrictions of a child.

    `control` is the file descriptor of the socket to the worker, `scratch` the folder to work in. `memory` and
    `file_size` are bytes. `tasks` are all that its namespace may have; 0 if it has none, and `MAX_TASKS` are allowed
    beyond those of its user. With `landlock`, it can use `readable` and its folder only. `programs` are what it may start.
    """

    def __init__(
        self,
        *,
        sandbox: str,
        control: int,
        scratch: str,
        memory: int,
        cpu_seconds: int,
        file_size: int,
        tasks: int,
        landlock: bool,
        readable: list[str],
        programs: list[str],
    ) -> None:
        self.sandbox = sandbox
        self.control = control
        self.scratch = scratch
        self.memory = memory
        self.cpu_seconds = cpu_seconds
        self.file_size = file_size
        self.tasks = tasks
        self.landlock = landlock
        self.readable = readable
        self.programs = programs

    def arguments(self) -> list[str]:
        """Return the arguments that `parse` reads."""
        limits = (self.memory, self.cpu_seconds, self.file_size, self.tasks)
        numbers = (self.control, *limits, int(self.landlock), len(self.readable), len(self.programs))
        return [self.sandbox, self.scratch, *map(str, numbers), *self.readable, *self.programs]

    @classmethod
    def parse(cls, arguments: list[str]) -> tuple[Plan, list[str]]:
        """Return the plan, and the arguments that follow it."""
        sandbox, scratch = arguments[:2]
        control, memory, cpu_seconds, file_size, tasks, landlock, readable, programs = map(int, arguments[2:10])
        paths, rest = arguments[10 : 10 + readable + programs], arguments[10 + readable + programs :]
        plan = cls(
            sandbox=sandbox,
            control=control,
            scratch=scratch,
            memory=memory,
            cpu_seconds=cpu_seconds,
            file_size=file_size,
            tasks=tasks,
            landlock=bool(landlock),
            readable=paths[:readable],
            programs=paths[readable:],
        )
        return plan, rest
