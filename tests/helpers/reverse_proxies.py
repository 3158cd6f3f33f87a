"""nginx and Caddy in front of a gateway, configured as docs/proxies.md says."""

from __future__ import annotations

import socket
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from anyio import to_thread

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment
from tests.helpers.debian import debian_program

ProxyName = Literal["nginx", "caddy"]


@dataclass(frozen=True)
class Site:
    """What a reverse proxy does. `root`: the path below which it serves the gateway, empty for the whole site.

    `removes_root`: whether it removes that path from requests. `host`: the `Host` that it sends, None for the client's.
    """

    root: str = ""
    removes_root: bool = False
    host: str | None = None


class ReverseProxy(Server):
    """Serves a site on a free port. `url` is known before `target`, the gateway's URL, has to be set."""

    def __init__(self, folder: Path, site: Site) -> None:
        super().__init__(folder)
        self.target = ""
        self.site = site
        self._folder = folder
        [self._port] = free_ports([0])

    @property
    def url(self) -> str:
        """The URL of the gateway through the proxy, without a final slash."""
        return f"http://{HOST}:{self._port}{self.site.root}"

    @property
    @abstractmethod
    def configuration(self) -> str:
        """The content of its configuration file."""

    @property
    @abstractmethod
    def arguments(self) -> list[str]:
        """The arguments that name this file, `proxy.conf`."""

    def prepare(self) -> Command:
        (self._folder / "proxy.conf").write_text(self.configuration)
        program, libraries = debian_program(self.name, self.name)
        environment = child_environment(HOME=str(self._folder), **libraries)
        return Command([program, *self.arguments], cwd=self._folder, env=environment)

    def is_ready(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex((HOST, self._port)) == 0


class Nginx(ReverseProxy):
    name = "nginx"

    @property
    def arguments(self) -> list[str]:
        return ["-p", f"{self._folder}/", "-e", "stderr", "-c", "proxy.conf"]

    @property
    def configuration(self) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "\n".join(f"  {kind}_temp_path {kind};" for kind in kinds)
        return f"""
daemon off;
master_process off;
pid nginx-itself.pid;
events {{}}
http {{
  access_log off;
{folders}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream haulage {{ server {self.target.removeprefix("http://")}; keepalive 16; }}
  server {{
    listen {HOST}:{self._port};
    absolute_redirect off;
    location = {self.site.root or "/none"} {{ return 308 {self.site.root}/$is_args$args; }}
    location {self.site.root}/ {{
      proxy_pass http://haulage{"/" if self.site.removes_root else ""};
      proxy_http_version 1.1;
      proxy_set_header Host {self.site.host or "$http_host"};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_read_timeout 75s;
    }}
  }}
}}
"""


class Caddy(ReverseProxy):
    name = "caddy"

    @property
    def arguments(self) -> list[str]:
        return ["run", "--adapter", "caddyfile", "--config", "proxy.conf"]

    @property
    def configuration(self) -> str:
        handle = "handle_path" if self.site.removes_root else "handle"
        host = f" {{\n      header_up Host {self.site.host}\n    }}" if self.site.host else ""
        return f"""
{{
  admin off
  auto_https off
}}
http://{HOST}:{self._port} {{
  bind {HOST}
  redir {self.site.root or "/none"} {self.site.root}/ 308
  {handle} {self.site.root}/* {{
    reverse_proxy {self.target.removeprefix("http://")}{host}
  }}
}}
"""


@asynccontextmanager
async def running(proxy: ReverseProxy, target: str) -> AsyncIterator[str]:
    """Run a proxy in front of the gateway at the URL `target`; yield the URL through it."""
    proxy.target = target
    try:
        await to_thread.run_sync(proxy.start)
        yield proxy.url
    finally:
        await to_thread.run_sync(proxy.stop)


PROXIES: dict[ProxyName, type[ReverseProxy]] = {"nginx": Nginx, "caddy": Caddy}
