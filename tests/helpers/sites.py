"""nginx and Caddy in front of a gateway, configured as docs/proxies.md says for a site of which the gateway is a part."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.stack.ports import HOST
from tests.helpers.debian import debian_program
from tests.helpers.reverse_proxies import ReverseProxy

ProxyName = Literal["nginx", "caddy"]


@dataclass(frozen=True)
class Site:
    """What a reverse proxy does. `root`: the path below which it serves the gateway, empty for the whole site.

    `removes_root`: whether it removes that path from requests. `host`: the `Host` that it sends, None for the client's.
    """

    root: str = ""
    removes_root: bool = False
    host: str | None = None


class SiteProxy(ReverseProxy):
    """Serves a site with one gateway."""

    arguments: tuple[str, ...]
    """Those that name its file, `proxy.conf`."""

    def __init__(self, folder: Path, site: Site) -> None:
        super().__init__(folder)
        self.site = site

    @property
    def url(self) -> str:
        return super().url + self.site.root

    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        program, libraries = debian_program(self.name, self.name)
        return [program, *self.arguments], libraries


class Nginx(SiteProxy):
    name = "nginx"
    arguments = ("-p", ".", "-e", "stderr", "-c", "proxy.conf")

    def configuration(self) -> dict[str, str]:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        folders = "\n".join(f"  {kind}_temp_path {kind};" for kind in kinds)
        [address] = self.addresses
        text = f"""
daemon off;
master_process off;
pid nginx-itself.pid;
events {{}}
http {{
  access_log off;
{folders}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
  upstream haulage {{ server {address}; keepalive 16; }}
  server {{
    listen {HOST}:{self.port};
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
        return {"proxy.conf": text}


class Caddy(SiteProxy):
    name = "caddy"
    arguments = ("run", "--adapter", "caddyfile", "--config", "proxy.conf")

    def configuration(self) -> dict[str, str]:
        handle = "handle_path" if self.site.removes_root else "handle"
        host = f" {{\n      header_up Host {self.site.host}\n    }}" if self.site.host else ""
        [address] = self.addresses
        text = f"""
{{
  admin off
  auto_https off
}}
http://{HOST}:{self.port} {{
  bind {HOST}
  redir {self.site.root or "/none"} {self.site.root}/ 308
  {handle} {self.site.root}/* {{
    reverse_proxy {address}{host}
  }}
}}
"""
        return {"proxy.conf": text}


PROXIES: dict[ProxyName, type[SiteProxy]] = {"nginx": Nginx, "caddy": Caddy}
