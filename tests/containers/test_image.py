"""The image of Haulage, built of the Dockerfile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.containers.test_files import pins
from tests.helpers.containers import Engine

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1800)]

MAX_BYTES = 290_000_000
LOCKED = ("--rm", "--network=none", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all")


def test_the_image_says_what_it_is(engine: Engine, image: str) -> None:
    config = engine.inspect(image, "image")["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["haulage"]
    assert config["StopSignal"] in {"SIGTERM", "15"}
    assert config["ExposedPorts"] == {"8080/tcp": {}, "8081/tcp": {}}
    assert config["Labels"]["org.opencontainers.image.licenses"] == "MIT"


def test_the_image_is_small(engine: Engine, image: str) -> None:
    """The sum of its layers, unpacked: what it takes on a disk."""
    assert engine.inspect(image, "image")["Size"] <= MAX_BYTES


def test_it_runs_without_a_right_or_a_place_to_write_to(engine: Engine, image: str) -> None:
    version = engine.run("podman", "run", *LOCKED, image, "--version").strip()
    label = engine.inspect(image, "image")["Config"]["Labels"]["org.opencontainers.image.version"]
    assert version == f"haulage {label}"


def test_its_libraries_find_what_they_need(engine: Engine, image: str) -> None:
    """Also after they were stripped, which breaks those that were changed after they were linked."""
    libraries = "find /opt/haulage -name '*.so*'"
    script = f"{libraries} | wc -l; {libraries} -exec ldd {{}} + 2>&1 | grep --text 'not found' | cat -v"
    count, *missing = engine.run("podman", "run", *LOCKED, "--entrypoint=sh", image, "-c", script).splitlines()
    assert int(count) > 50
    assert missing == []


def test_it_has_the_packages_of_its_lock_the_page_and_nothing_else(engine: Engine, image: str, project: Path) -> None:
    program = (
        "import app, importlib.metadata, os, pathlib, shutil\n"
        "print(*(found.metadata['Name'] for found in importlib.metadata.distributions()))\n"
        "print((pathlib.Path(app.__file__).parent / 'pages/built/index.html').exists())\n"
        "print(*filter(shutil.which, ('pip', 'pip3', 'gcc', 'node', 'npm', 'uv')))\n"
        "print(os.getuid(), os.access('/opt/haulage', os.W_OK))\n"
    )
    run = ("podman", "run", *LOCKED, "--entrypoint=python3", image)
    packages, page, tools, user = engine.run(*run, "-c", program).splitlines()
    names = {re.sub(r"[._-]+", "-", name).lower() for name in packages.split()}
    assert "haulage" in names
    assert names - {"haulage"} <= pins(project / "requirements.runtime.lock").keys()
    assert {"asyncpg", "starlette", "uvloop"} <= names
    assert page == "True"
    assert tools == ""
    assert user == "10001 False"
    assert "No module named pip" in engine.run(*run, "-m", "pip", check=False)
