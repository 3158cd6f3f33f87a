"""What the settings leave open that should not be, for `haulage check`."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from jobs.settings import Settings

MIN_CHARACTERS = 8
"""Different characters that a secret has at least. 32 random hexadecimal digits have fewer once in 28 million times."""


def find_open(settings: Settings) -> list[str]:
    """A sentence for each finding, which says what to do. Empty if nothing is open."""
    outside = [host for host in settings.host if not _is_loopback(host)]
    found = _without_users(settings, outside) if settings.auth_mode == "open" else []
    public = urlsplit(settings.public_url or "")
    if settings.auth_mode == "required" and public.scheme != "https" and outside:
        found.append(
            "PUBLIC_URL is not https: keys and sessions may be read on the way. Put HTTPS in front, and set PUBLIC_URL."
        )
    if public.scheme == "https":
        found += _without_https(settings)
    for name, secret in (("AUTH_PROXY_SECRET", settings.auth_proxy_secret), ("JWT_SECRET", settings.jwt_secret)):
        if secret is not None and len(set(secret.get_secret_value())) < MIN_CHARACTERS:
            found.append(f"{name} is easy to guess. Make another one with `openssl rand -hex 32`.")
    if settings.sandbox == "off":
        found.append("SANDBOX is off: a file that exploits a decoder has all rights of its worker. Set SANDBOX=auto.")
    if "*" in settings.trusted_proxies:
        found.append(
            "TRUSTED_PROXIES is *: everybody may pretend to have any address. Name the addresses of your proxies."
        )
    return found


def _without_users(settings: Settings, outside: Sequence[str]) -> list[str]:
    """A sentence for each way in which others reach a gateway in open mode. `outside`: its hosts other than loopback."""
    found: list[str] = []
    if outside:
        found.append(
            f"HOST is {', '.join(outside)} and AUTH_MODE is open: everybody who reaches it may do everything. Set"
            " AUTH_MODE=required."
        )
    for name, url in (("PUBLIC_URL", settings.public_url), ("INTAKE_URL", settings.intake_url)):
        host = urlsplit(url or "").hostname
        if not outside and host and not _is_loopback(host):
            found.append(
                f"{name} is {url} and AUTH_MODE is open: everybody who reaches that may do everything. Set"
                " AUTH_MODE=required."
            )
    if "*" in settings.allowed_hosts:
        found.append(
            "ALLOWED_HOSTS is * and AUTH_MODE is open: a web page may point its own name at the gateway. Name its hosts."
        )
    if "*" in settings.cors_origins:
        found.append("CORS_ORIGINS is * and AUTH_MODE is open: every web page may call the API. Name its origins.")
    return found


def _without_https(settings: Settings) -> list[str]:
    """A sentence for each address beside that of an https gateway that is not https."""
    found, store = [], settings.s3_public_endpoint or settings.s3_endpoint
    if not store.startswith("https:"):
        found.append(
            f"S3_PUBLIC_ENDPOINT is {store}, without https: results may be read on the way, and browsers block such links"
            " on pages that have https. Set it to an https URL of the store."
        )
    if settings.intake_url is not None and not settings.intake_url.startswith("https:"):
        found.append(
            f"INTAKE_URL is {settings.intake_url}, without https: files and tickets may be read on the way. Set it to an"
            " https URL of the intake."
        )
    return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
