"""Each program accepts its file of proxy/."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.helpers.fronts import FILES, CaddyFront, Front, HaproxyFront, NginxFront

pytestmark = pytest.mark.servers  # programs, though none of them serves

GATEWAYS = ("http://127.0.0.1:8081", "http://127.0.0.1:8082")


@pytest.mark.proves("the program accepts its file without a warning")
@pytest.mark.parametrize("kind", [NginxFront, CaddyFront, HaproxyFront], ids=lambda kind: kind.name)
def test_the_program_accepts_its_file(kind: type[Front], tmp_path: Path) -> None:
    front = kind(tmp_path / "front")
    front.targets = GATEWAYS
    command = front.prepare()
    program, *arguments = command.argv
    checks = {
        "nginx": [program, "-t", *arguments],
        "caddy": [program, "validate", *arguments[1:]],
        "haproxy": [program, "-c", *arguments],
    }
    done = subprocess.run(
        checks[front.name], cwd=command.cwd, env=command.env, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "[warn]" not in said, said
    assert "[WARNING]" not in said, said
    assert '"level":"warn"' not in said, said


def test_the_caddyfile_is_formatted() -> None:
    front = CaddyFront.program()
    subprocess.run([front, "fmt", "--diff", FILES / "caddy" / "Caddyfile"], check=True)
