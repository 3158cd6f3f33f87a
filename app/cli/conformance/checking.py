"""Checks every rule and tells of each in a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import typer

from app.cli.client import Api
from app.cli.conformance.cases import Case, recorded, removed, started
from app.cli.conformance.rules import RULES, Rule
from app.cli.conformance.wire import UNREADABLE, Broken, Skipped, Wire, unreadable
from app.cli.output import note, print_json


@dataclass(frozen=True, slots=True)
class Finding:
    """How a rule was kept; `seen`: what was seen instead, or why it could not be checked."""

    rule: str
    outcome: Literal["ok", "FAILED", "skipped"]
    seen: str = ""

    def __str__(self) -> str:
        line = f"{self.outcome:<8} {self.rule}"
        return f"{line}: {self.seen}" if self.seen else line


def check(server: str, file_ids: Sequence[int], patience: float, *, slow: bool, as_json: bool) -> None:
    """Print a line for each rule. Raises `typer.Exit` when one is not kept, and what `Api` raises."""
    wire = Wire(Api(server))
    jobs = started(wire, file_ids)
    note(f"Following {jobs[0]} and {jobs[1]} at {wire.api.server} by every way …")
    findings = []
    try:
        for finding in _findings(recorded(wire, jobs, patience, slow=slow)):
            findings.append(finding)
            if not as_json:
                print(finding, flush=True)
    finally:
        removed(wire, jobs)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    failed = sum(finding.outcome == "FAILED" for finding in findings)
    skipped = sum(finding.outcome == "skipped" for finding in findings)
    note(f"{len(findings)} rules: {failed} failed, {skipped} skipped.")
    if failed:
        raise typer.Exit(1)


def _findings(case: Case) -> Iterator[Finding]:
    for rule in RULES:
        yield _finding(case, rule)


def _finding(case: Case, rule: Rule) -> Finding:
    try:
        rule.check(case)
    except Broken as error:
        return Finding(rule.said, "FAILED", str(error))
    except Skipped as error:
        return Finding(rule.said, "skipped", str(error))
    except UNREADABLE as error:
        return Finding(rule.said, "FAILED", unreadable(error))
    return Finding(rule.said, "ok")
