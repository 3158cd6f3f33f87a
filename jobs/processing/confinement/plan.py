"""How a child is to be restricted, as arguments of the launcher.

A plain class, and no JSON: whatever the launcher imports is time that every child takes to start. `dataclasses` and `json`
would be ten milliseconds.
"""

from __future__ import annotations


class Plan:
    """The restrictions of a child.

    `control` is the file descriptor of the socket to the worker, `scratch` the folder to work in. `memory` and
    `file_size` are bytes. `readable` are the paths that Landlock lets it read, `programs` what it may start.
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
        readable: list[str],
        programs: list[str],
    ) -> None:
        self.sandbox = sandbox
        self.control = control
        self.scratch = scratch
        self.memory = memory
        self.cpu_seconds = cpu_seconds
        self.file_size = file_size
        self.readable = readable
        self.programs = programs

    def arguments(self) -> list[str]:
        """Return the arguments that `parse` reads."""
        numbers = (self.control, self.memory, self.cpu_seconds, self.file_size, len(self.readable), len(self.programs))
        return [self.sandbox, self.scratch, *map(str, numbers), *self.readable, *self.programs]

    @classmethod
    def parse(cls, arguments: list[str]) -> tuple[Plan, list[str]]:
        """Return the plan, and the arguments that follow it."""
        sandbox, scratch = arguments[:2]
        control, memory, cpu_seconds, file_size, readable, programs = map(int, arguments[2:8])
        paths, rest = arguments[8 : 8 + readable + programs], arguments[8 + readable + programs :]
        plan = cls(
            sandbox=sandbox,
            control=control,
            scratch=scratch,
            memory=memory,
            cpu_seconds=cpu_seconds,
            file_size=file_size,
            readable=paths[:readable],
            programs=paths[readable:],
        )
        return plan, rest
