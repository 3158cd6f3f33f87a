"""Runs the conformance tests against a server, and reads their report."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

Failures = dict[tuple[str, str], str]
"""The first line of each failure, by module and test."""


@dataclass(frozen=True)
class Report:
    """A finished run of the conformance tests."""

    code: int
    output: str
    passed: int
    failures: Failures
    skipped: dict[str, str]

    def of(self, module: str) -> dict[str, str]:
        """The failures of one module, by test."""
        return {test: message for (where, test), message in self.failures.items() if where == module}


class ConformanceTests:
    """Runs `pytest tests/conformance --server URL` in a process of its own."""

    def __init__(self, project: Path, folder: Path) -> None:
        self._project = project
        self._report = folder / "report.xml"

    async def start(self, server: str, *options: str) -> Process:
        # `addopts` of the project may hold more than this run should have.
        markers = ["-o", "addopts=", "-m", "not slow", "--import-mode=importlib", "-p", "no:cacheprovider", "-q"]
        arguments = [*markers, f"--junitxml={self._report}", "tests/conformance", "--server", server, *options]
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest", *arguments, cwd=self._project, stdout=PIPE, stderr=STDOUT
        )

    async def report(self, process: Process) -> Report:
        """Waits for the end and returns the outcome of every test."""
        output, _ = await process.communicate()
        failures: Failures = {}
        skipped: dict[str, str] = {}
        passed = 0
        for case in ET.parse(self._report).iter("testcase"):
            outcomes = {child.tag: child.get("message", "") for child in case if child.tag != "properties"}
            module, test = case.get("classname", ""), case.get("name", "")
            if failure := outcomes.get("failure", outcomes.get("error")):
                failures[module, test] = failure.removeprefix("AssertionError: ").splitlines()[0]
            elif "skipped" in outcomes:
                skipped[test] = outcomes["skipped"]
            else:
                passed += 1
        return Report(process.returncode or 0, output.decode(), passed, failures, skipped)

    async def __call__(self, server: str, *options: str) -> Report:
        return await self.report(await self.start(server, *options))
