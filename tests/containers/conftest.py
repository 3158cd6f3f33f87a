"""The image, and an installation as docs/containers.md has it: built and started once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.containers import PROJECT, Engine, Installation, checkout, require_tools

IMAGE = "haulage"
WITH_FFMPEG = "haulage-media"


def blocks(heading: str) -> str:
    """The shell blocks under a heading of docs/containers.md, as one script."""
    text = (PROJECT / "docs" / "containers.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Podman, with the image that all others start from."""
    require_tools()
    found = Engine(tmp_path_factory.mktemp("engine"))
    found.import_base()
    return found


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout."""
    return checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def image(engine: Engine, source: Path) -> str:
    """The image of Haulage."""
    engine.build(source, IMAGE)
    return IMAGE


@pytest.fixture(scope="session")
def image_with_ffmpeg(engine: Engine, source: Path, image: str) -> str:
    """The image with the extra `media`, which differs in its last layers."""
    del image
    engine.build(source, WITH_FFMPEG, "--build-arg=EXTRAS=media")
    return WITH_FFMPEG


@pytest.fixture(scope="session")
def servers(engine: Engine) -> None:
    """The images of PostgreSQL, Valkey, nginx and MinIO."""
    engine.build_servers()


@pytest.fixture(scope="session")
def installation(engine: Engine, source: Path, image_with_ffmpeg: str, servers: None) -> Iterator[Installation]:
    """Everything that compose.yaml starts, running."""
    del servers
    engine.clean()  # of a run that was killed
    found = Installation(engine, source)
    passwords, build, up, *_ = blocks("Start").splitlines()
    assert build.startswith("docker compose build"), "its images were built above"
    try:
        found.shell(passwords)
        found.configure({"EXTRAS": "media", "HAULAGE_IMAGE": image_with_ffmpeg})
        found.shell(up)
        found.wait_healthy("postgres", "valkey", "minio", "gateway", "nginx")
        yield found
    finally:
        found.shell("docker compose down --volumes", check=False)
        engine.clean()
