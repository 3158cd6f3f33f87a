"""nginx that signs users in by `auth_request`, as docs/security.md says."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.sites import Nginx, Site

SECRET = "proxy-secret-0123456789abcdef0123"


class SigningInNginx(Nginx):
    """Sends `auth_request` to a server of its own, as Authelia is one, and names the user whom it returns.

    `known_by`: the variable of nginx that holds the user, such as `$remote_user` (HTTP Basic) or `$cookie_…`.
    """

    def __init__(self, folder: Path, known_by: str = "$remote_user") -> None:
        super().__init__(folder, Site())
        self._known_by = known_by

    def configuration(self) -> dict[str, str]:
        text = super().configuration()["proxy.conf"]
        text = text.replace("      proxy_http_version 1.1;", _SIGNED_IN + "      proxy_http_version 1.1;")
        text = text.replace("    absolute_redirect off;", _AUTH + "    absolute_redirect off;")
        server = _AUTH_SERVER.replace("KNOWN_BY", self._known_by)
        text = text.replace("  server {", server + "  server {", 1).replace("AUTH_PORT", str(self.admin_port))
        return {"proxy.conf": text}


_SIGNED_IN = f"""
      auth_request /auth;
      auth_request_set $user $upstream_http_remote_user;
      auth_request_set $groups $upstream_http_remote_groups;
      proxy_set_header Remote-User $user;
      proxy_set_header Remote-Groups $groups;
      proxy_set_header X-Auth-Proxy-Secret {SECRET};
      proxy_set_header Authorization "";
"""
_AUTH = """
    location = /auth {
      internal;
      proxy_pass http://127.0.0.1:AUTH_PORT/;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }
"""
_AUTH_SERVER = """
  server {
    listen 127.0.0.1:AUTH_PORT;
    location / {
      if (KNOWN_BY = "") { return 401; }
      add_header Remote-User KNOWN_BY;
      add_header Remote-Groups "staff,KNOWN_BY";
      return 204;
    }
  }
"""
