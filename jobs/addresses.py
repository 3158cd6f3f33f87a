"""Hosts, origins, networks and URLs as people write them into settings, in the one form that requests are compared with.

Each function raises `ValueError` with the reason for a text that could never match, so that it is refused at start.
"""

from __future__ import annotations

import ipaddress
import re

DEFAULT_PORTS = {"http": "80", "https": "443"}
"""Ports that clients leave out of `Host` and `Origin` (RFC 9110, section 4.2; RFC 6454, section 6.2)."""

_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?")
SMTP_PORTS = {"smtp": "587", "smtps": "465"}
"""Ports of mail submission (RFC 6409, section 3.1; RFC 8314, section 3.3)."""
_MAX_PORT = 65535
_MAX_SOCKET_PATH = 107
"""Bytes of `sun_path` without the NUL at its end (Linux, unix(7))."""
_CLAMD_PORT = 3310
_SENTINEL_PORT = 26379
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")
_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""The part before the @ without quotes: Dot-string of RFC 5321, section 4.1.2."""
_MAX_MAILBOX = 64
_USERINFO = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""A user or a password (RFC 3986, section 3.2.1)."""


def host_pattern(text: str) -> str:
    """Return a name as `Host` headers are compared with it: lower case, without a port, which may be any.

    `*` stands for every host, `*.example.com` for every name below example.com.
    """
    if text == "*":
        return text
    if "/" in text:
        raise ValueError(f"{text!r} is a URL, but a host name is needed")
    if text.startswith("."):
        raise ValueError(f"{text!r} must be *{text} for the names below it, and {text[1:]} for itself")
    return _host_and_port(_bracketed(text), wildcard=True)[0]


def origin_pattern(text: str) -> str:
    """Return an origin as browsers send it (RFC 6454, section 6.2): lower case, without its default port.

    `*` stands for every origin, `https://*.example.com` for every name below example.com.
    """
    if text == "*":
        return text
    found = _split(text)
    if found is None:
        raise ValueError(f"{text!r} has no scheme, as in https://site.example")
    scheme, authority, rest = found
    if rest not in {"", "/"}:
        raise ValueError(f"{text!r} has a path, but an origin is a scheme, a host and a port only")
    return f"{scheme}://{_authority(scheme, authority, wildcard=True)}"


def network(text: str) -> str:
    """Return an IP address or a network in CIDR notation in its usual form; `*` stands for all."""
    if text == "*":
        return text
    plain = text.removeprefix("[").removesuffix("]")
    try:
        found = ipaddress.ip_network(plain)
    except ValueError:
        try:
            whole = ipaddress.ip_network(plain, strict=False)
        except ValueError:
            raise ValueError(f"{text!r} is neither an IP address nor a network like 10.0.0.0/8") from None
        raise ValueError(f"{text!r} is neither the network {whole} nor a single address") from None
    mapped = getattr(found.network_address, "ipv4_mapped", None)  # IPv6 only
    if mapped is not None:
        raise ValueError(f"{text!r} must be written as an IPv4 address or network, as of {mapped}")
    return str(found) if "/" in plain else str(found.network_address)


def destination(text: str) -> str:
    """Return a network, an IP address or a host name that requests may be sent to; `*.example.com` are all names below."""
    if text == "*":
        raise ValueError("'*' would allow every address of the own network: name its hosts or networks")
    if re.fullmatch(r"[0-9./]+|\[?[0-9a-fA-F:.]*:[0-9a-fA-F:./]*\]?", text):
        return network(text)
    host = host_pattern(text)
    if host != text.lower().removesuffix("."):
        raise ValueError(f"{text!r} has a port, but a host is allowed on all of them")
    return host


def listen_address(text: str) -> str:
    """Return an IP address, without the brackets of IPv6, or a host name."""
    host, port = _host_and_port(_bracketed(text))
    if port is not None:
        raise ValueError(f"{text!r} has a port, which belongs into PORT")
    return host.strip("[]")


def store_url(text: str) -> str:
    """Return the URL of an S3 store as it is signed: lower case, without its default port and the final slash.

    No message contains a password that the text may have.
    """
    scheme, authority, rest = _http_url(text)
    if rest.strip("/"):
        raise ValueError("must be only a scheme, a host and a port: a store below a path is not supported")
    return f"{scheme}://{authority}"


def collector_url(text: str) -> str:
    """Return the URL of a collector of telemetry, with its path. No message contains a password that it may have."""
    scheme, authority, rest = _http_url(text)
    return f"{scheme}://{authority}{rest}"


def clamd_url(text: str) -> str:
    """Return the address of a clamd: `unix:///path`, or `tcp://host:port` in lower case, by default with port 3310."""
    found = _split(text)
    if found is None or found[0] not in {"unix", "tcp"}:
        raise ValueError("must be like unix:///run/clamav/clamd.ctl or tcp://host:3310")
    if set("@?#%") & set(text):
        raise ValueError("must be without user, query, fragment and percent signs")
    scheme, authority, rest = found
    if scheme == "unix":
        if authority or not rest.strip("/"):
            raise ValueError("must have three slashes and an absolute path, as in unix:///run/clamav/clamd.ctl")
        if len(rest.encode()) > _MAX_SOCKET_PATH:
            raise ValueError(f"the path of a socket must not exceed {_MAX_SOCKET_PATH} bytes")
        return f"unix://{rest}"
    if rest not in {"", "/"}:
        raise ValueError("must be only tcp://, a host and a port")
    host, port = _host_and_port(authority)
    return f"tcp://{host}:{port or _CLAMD_PORT}"


def proxy_url(text: str) -> str:
    """Return the URL of an HTTP proxy, with the user and password that it may have. No message contains them."""
    found = _split(text)
    if found is None or found[0] not in DEFAULT_PORTS or found[2].strip("/"):
        raise ValueError("must be like http://proxy.example:3128 or http://user:password@proxy.example:3128")
    scheme, authority, _ = found
    userinfo, at, place = authority.rpartition("@")
    try:
        return f"{scheme}://{userinfo}{at}{_authority(scheme, place)}"
    except ValueError:
        raise ValueError(
            "must have a host, and a port if it is not the usual one, after any user and password"
        ) from None


def sentinel(text: str) -> str:
    """Return the address of a Redis Sentinel as `host:port`, by default with port 26379; IPv6 in brackets."""
    if "/" in text or "@" in text:
        raise ValueError("must be like sentinel-1:26379, without a scheme; credentials have settings of their own")
    host, port = _host_and_port(_bracketed(text))
    return f"{host}:{port or _SENTINEL_PORT}"


def smtp_url(text: str) -> str:
    """Return the URL of an SMTP server with its port, and the user and password that it may have. No message has them."""
    found = _split(text)
    if found is None or found[0] not in SMTP_PORTS or found[2] not in {"", "/"}:
        raise ValueError(
            "must be like smtp://user:password@mail.example:587 or smtps://mail.example, with %2F for / and so on in user"
            " and password"
        )
    scheme, authority, _ = found
    userinfo, at, place = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    if at and not (user and password):
        raise ValueError("must have a user and a password before the @, or neither and no @")
    if at and not (_USERINFO.fullmatch(user) and _USERINFO.fullmatch(password)):
        raise ValueError(
            "must have every character of user and password percent-encoded that a URL does not allow there"
        )
    try:
        host, port = _host_and_port(place)
    except ValueError:
        raise ValueError(
            "must have a host, and a port if it is not the usual one, after any user and password"
        ) from None
    return f"{scheme}://{userinfo}{at}{host}:{port or SMTP_PORTS[scheme]}"


def mail_address(text: str) -> str:
    """Return the address of a mailbox, without a name: the host in lower case."""
    mailbox, at, host = text.rpartition("@")
    if not at or _MAILBOX.fullmatch(mailbox) is None or len(mailbox) > _MAX_MAILBOX:
        raise ValueError(f"{text!r} is not a mail address like ops@site.example")
    name, port = _host_and_port(host)
    if port is not None or name.startswith("["):
        raise ValueError(f"{text!r} must end with a host name")
    return f"{mailbox}@{name}"


def issuer(text: str) -> str:
    """Return the URL of a token issuer as it is: tokens have it in exactly this spelling (RFC 7519, section 4.1.1)."""
    _http_url(text)
    if "|" in text:
        raise ValueError("must have no | in it, which separates issuers from their subjects")
    return text


def public_url(text: str) -> str:
    """Return the URL of a site: lower case, without its default port; its path as `root_path` returns it."""
    scheme, authority, rest = _http_url(text)
    return f"{scheme}://{authority}{root_path(rest)}"


def root_path(text: str) -> str:
    """Return the path below which a server is reached: empty for the root, else as `/path`, without a final slash."""
    segments = [segment for segment in text.split("/") if segment]
    for segment in segments:
        if segment in {".", ".."} or _SEGMENT.fullmatch(segment) is None:
            raise ValueError(f"the path {text!r} may only have letters, digits and -._~ between its slashes")
    return "".join(f"/{segment}" for segment in segments)


def bucket_name(text: str) -> str:
    """Return the name of a bucket that every S3 store accepts (Amazon S3, "General purpose bucket naming rules")."""
    if _BUCKET.fullmatch(text) is None or ".." in text:
        raise ValueError(
            "must have 3 to 63 lower-case letters, digits, dots and hyphens, with a letter or digit at both ends"
        )
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", text):
        raise ValueError("must not look like an IP address")
    return text


def _split(text: str) -> tuple[str, str, str] | None:
    """Return scheme, in lower case, authority and the rest of a URL; None for a text that is none."""
    found = _URL.fullmatch(text)
    return None if found is None else (found[1].lower(), found[2], found[3])


def _http_url(text: str) -> tuple[str, str, str]:
    """Return scheme, authority and path of a URL. No message contains a password."""
    found = _split(text)
    if found is None or found[0] not in DEFAULT_PORTS:
        raise ValueError("must be a URL that starts with http:// or https://")
    if set("@?#") & set(text):
        raise ValueError("must be a URL without user, query and fragment")
    scheme, authority, rest = found
    return scheme, _authority(scheme, authority), rest


def _bracketed(text: str) -> str:
    """Return the text with brackets around an IPv6 address."""
    return f"[{text}]" if text.count(":") > 1 and not text.startswith("[") else text


def _authority(scheme: str, text: str, *, wildcard: bool = False) -> str:
    """Return host and port, without the scheme's default port."""
    host, port = _host_and_port(text, wildcard=wildcard)
    return host if port is None or port == DEFAULT_PORTS.get(scheme) else f"{host}:{port}"


def _host_and_port(text: str, *, wildcard: bool = False) -> tuple[str, str | None]:
    """Return a host name in lower case, or an IP address in its usual form, IPv6 in brackets; and the port, if any."""
    found = _AUTHORITY.fullmatch(text)
    if found is None or (found[2] is not None and int(found[2]) > _MAX_PORT):
        raise ValueError(f"{text!r} is not a host name or IP address, with or without a port")
    host = found[1].lower().removesuffix(".")
    port = None if found[2] is None else str(int(found[2]))
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]", port
        except ValueError:
            raise ValueError(f"{text!r} is not an IPv6 address") from None
    if not host.isascii():
        raise ValueError(f"{text!r} must be written in Punycode (xn--), as clients send it")
    name = host.removeprefix("*.") if wildcard else host
    if "*" in name:
        raise ValueError(f"{text!r} has a wildcard that is not a whole name in front, as in *.example.com")
    if not all(map(_LABEL.fullmatch, name.split("."))):
        raise ValueError(f"{text!r} is not a host name or IP address")
    return host, port
