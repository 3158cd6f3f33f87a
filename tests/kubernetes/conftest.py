"""The cluster that all tests of this folder share."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.helm import PROJECT
from tests.kubernetes.cluster import Cluster, running


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """With two nodes. `make kubernetes` has built what it consists of."""
    built = subprocess.run(
        ["bash", PROJECT / "tests" / "kubernetes" / "build.sh", "--cached"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    with running(Path(built.stdout.strip()), tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster
