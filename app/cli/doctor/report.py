"""Runs all checks at the same time, and prints what they found."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from app.cli.doctor.checks import CHECKS, Check, reach
from app.cli.doctor.findings import USE_KEY, Finding, broken, skipped
from app.cli.doctor.probes import QUICK, THOROUGH, Path, Plan, ProbeFailed, ProbeRefused, in_parallel
from app.cli.output import print_json, print_message
from app.exit_codes import ExitCode


def diagnose(url: str, plan: Plan = QUICK, token: str | None = None) -> dict[str, Finding]:
    """The findings of all checks, by name. Raises `InvalidRequest` for what is not the URL of a server.

    `token`: an API key for the checks that need one.
    """
    path = Path(url, plan, token)
    try:
        unreachable = reach(path)
        if unreachable is not None:
            return {"gateway": unreachable}
        findings = in_parallel(lambda check: _finding(check, path), CHECKS.values())
        return dict(zip(CHECKS, findings, strict=True))
    finally:
        path.pool.clear()


def report(url: str, token: str | None, *, thorough: bool, as_json: bool) -> None:
    """Print a line for each finding. Raises `typer.Exit` when something is broken."""
    plan = THOROUGH if thorough else QUICK
    if not as_json:
        print_message(f"This takes {'three minutes' if thorough else 'a minute'}.")
    findings = diagnose(url, plan, token)
    if as_json:
        rows = [
            {"check": name, "level": it.level, "seen": it.seen, "remedy": it.remedy} for name, it in findings.items()
        ]
        print_json({"url": url, "findings": rows})
    else:
        _print_lines(findings)
    if any(finding.level == "broken" for finding in findings.values()):
        raise typer.Exit(ExitCode.FAILED)


def _print_lines(findings: Mapping[str, Finding]) -> None:
    for name, finding in findings.items():
        remedy = f". {finding.remedy}" if finding.remedy else ""
        print(f"{finding.level:<8} {name:<18} {finding.seen}{remedy}")


def _finding(check: Check, path: Path) -> Finding:
    try:
        return check(path)
    except ProbeRefused as error:
        return skipped(str(error), "Try again in a minute.")
    except ProbeFailed as error:
        if error.problem in {"unauthenticated", "forbidden"}:
            return skipped(f"the gateway does not let this check in ({error.problem})", USE_KEY)
        return broken(str(error), "See the logs of the proxy and the gateway.")
