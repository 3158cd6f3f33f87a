"""Runs texts as programs in a sandbox."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

from jobs.processing.sandbox import Ended, Limits, Sandbox

LIMITS = Limits(seconds=30, cpu_seconds=20, memory=1 << 30, file_size=1 << 20, silence=20)


@dataclass
class Runner:
    """Runs a text as a program, and keeps the lines that it writes."""

    sandbox: Sandbox
    scratch: Path
    lines: list[bytes] = field(default_factory=list)
    on_line: Callable[[bytes], None] | None = None

    async def __call__(
        self, text: str, *arguments: object, request: bytes = b"", readable: tuple[Path, ...] = (), **limits: Any
    ) -> Ended:
        program = self.scratch / "program.py"
        program.write_text(dedent(text))
        argv = [sys.executable, "-I", str(program), *map(str, arguments)]
        on_line = self.on_line or self.lines.append
        return await self.sandbox.run(
            argv, self.scratch, request, replace(LIMITS, **limits), on_line, readable=readable
        )
