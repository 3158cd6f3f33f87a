"""A worker that runs a child and is killed. Its arguments are the sandbox, a folder, and a program for the child."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from jobs.processing.sandbox import choose_sandbox
from jobs.settings import ProcessingSettings
from tests.jobs.processing.sandbox.runner import LIMITS

STUBBORN = """
import os, signal, time
if os.fork() == 0:
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        os.setsid()
    except OSError:
        pass
    print("started", flush=True)
    os.closerange(0, 3)
time.sleep(1000)
"""


async def main(name: str, scratch: Path, program: Path) -> None:
    stubborn = scratch / "stubborn.py"
    stubborn.write_text(STUBBORN)

    def pass_on(line: bytes) -> None:
        sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()

    sandbox = choose_sandbox(ProcessingSettings(sandbox=name))
    await sandbox.run([sys.executable, "-I", str(stubborn)], scratch, b"", LIMITS, pass_on, readable=[program])


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
