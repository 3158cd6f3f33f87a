"""Chooses a sandbox where the kernel refuses what its arguments name: `namespaces`, as in a container, or `landlock`."""

from __future__ import annotations

import platform
import sys

from jobs.errors import SandboxUnavailable
from jobs.processing.confinement import landlock, seccomp
from jobs.processing.confinement.kernel import PR_SET_NO_NEW_PRIVS, process_control
from jobs.processing.confinement.system_calls import CHECKED, REFUSED
from jobs.processing.sandbox import choose_sandbox
from jobs.settings import ProcessingSettings


def main(lacking: list[str]) -> str:
    column, architecture = seccomp.ARCHITECTURES[platform.machine()]
    checks: dict[int | None, list[seccomp.Instruction]] = {}
    if "namespaces" in lacking:
        checks |= {
            CHECKED["clone"][column]: seccomp.unless_set(0, seccomp.NAMESPACES),
            CHECKED["clone3"][column]: [seccomp.UNKNOWN],
            REFUSED["unshare"][column]: [seccomp.REFUSE],
        }
    if "landlock" in lacking:
        checks[landlock.CREATE_RULESET] = [seccomp.UNKNOWN]
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    seccomp.install(seccomp.assemble(list(checks.items()), architecture))
    try:
        sandbox = choose_sandbox(ProcessingSettings())
    except SandboxUnavailable as error:
        return error.reason
    return f"{sandbox.name} {'with' if sandbox.has_templates else 'without'} templates"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
