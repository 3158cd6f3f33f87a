"""The URL of the database, with the parameters of libpq (PostgreSQL 18 documentation, sections 32.1.1 and 32.1.2).

A parameter means here what it means to libpq. One that is not supported is an error, never ignored.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlencode

SCHEMES = frozenset({"postgresql", "postgres", "postgresql+asyncpg"})
CONNECT_TIMEOUT = 2.0
"""Seconds to connect to one host, unless the URL has a `connect_timeout`."""
DEFAULT_PORT = "5432"

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_SESSION_ATTRIBUTES = ("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
_FILES = ("sslcert", "sslkey", "sslcrl", "sslrootcert")
_HOME = Path("~/.postgresql")
"""The folder in which libpq and asyncpg find certificates that the URL does not name."""

_ANY_VALUE = frozenset(
    {"host", "port", "dbname", "user", "password", "passfile", "sslpassword", "connect_timeout", "options"}
)
_SUPPORTED: dict[str, tuple[str, ...]] = {
    "sslmode": _SSL_MODES,
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "target_session_attrs": _SESSION_ATTRIBUTES,
    # Only the values that ask for nothing else than what happens anyway.
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("auto", "utf8", "UTF8", "utf-8", "UTF-8"),
    "gssencmode": ("disable", "prefer"),
    "load_balance_hosts": ("disable",),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
"""The values of parameters that have a fixed set of them."""
_FOR_ASYNCPG = frozenset(
    {"user", "password", "dbname", "passfile", "sslmode", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl"}
    | {"ssl_min_protocol_version", "ssl_max_protocol_version", "sslnegotiation"}
)
"""What asyncpg reads from a URL itself, with the meaning that libpq gives it."""
_SETTING = re.compile(r"(?:-c|--)([A-Za-z_][\w.-]*)=(.*)", re.DOTALL)


class InvalidDatabaseUrl(ValueError):
    """The URL has a parameter that is not supported or has no valid value. The message contains no value of a secret."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where a server listens. `name` is a host name, an address, or the folder of a Unix socket (it begins with `/`).

    Empty: the default socket of this machine, or else `localhost`.
    """

    name: str
    port: str

    def __str__(self) -> str:
        if self.name.startswith("/"):
            return f"{self.name}/.s.PGSQL.{self.port}"
        name = f"[{self.name}]" if ":" in self.name else self.name or "localhost"
        return f"{name}:{self.port}"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A parsed URL."""

    hosts: tuple[Host, ...]
    connect_timeout: float | None
    """Seconds to connect to one of the hosts; None for no limit."""
    target_session_attrs: str
    application_name: str | None
    options: tuple[tuple[str, str], ...]
    """The server settings of `options=-c name=value`."""
    parameters: tuple[tuple[str, str], ...]
    """Those that asyncpg reads from a URL."""

    def for_asyncpg(self, host: Host) -> str:
        """Return the URL for `asyncpg.connect` to one host. All is in the query, where nothing can be misread."""
        address = {"host": f"[{host.name}]" if ":" in host.name else host.name, "port": host.port} if host.name else {}
        return "postgresql://?" + urlencode(address | dict(self.parameters))

    @property
    def trusts_system(self) -> bool:
        """Return True if the server's certificate is verified with the CAs of the operating system."""
        return dict(self.parameters).get("sslrootcert") == "system"


def parse_database_url(url: str) -> DatabaseUrl:
    """Return the parsed URL. Raises `InvalidDatabaseUrl`, which names the parameter and says what to do."""
    parameters = _split(url)
    fallback_name = parameters.pop("fallback_application_name", None)
    application_name = parameters.pop("application_name", fallback_name)
    if parameters.pop("ssl", None) == "true":  # of JDBC; libpq translates it as well
        parameters.setdefault("sslmode", "require")
    _require_supported(parameters)
    _complete_ssl_mode(parameters)
    return DatabaseUrl(
        hosts=_hosts(parameters.get("host", ""), parameters.get("port", "")),
        connect_timeout=_connect_timeout(parameters.get("connect_timeout")),
        target_session_attrs=parameters.get("target_session_attrs", "any"),
        application_name=application_name or None,
        options=_options(parameters.get("options", "")),
        parameters=tuple((name, value) for name, value in parameters.items() if name in _FOR_ASYNCPG),
    )


def _split(url: str) -> dict[str, str]:
    """Return the parameters of the URL's parts and of its query, which wins (section 32.1.1.2)."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES:
        raise InvalidDatabaseUrl("it must begin with postgresql://")
    rest, _, query = rest.partition("?")
    authority, _, database = rest.partition("/")
    credentials, _, addresses = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    hosts, ports = [], []
    for address in addresses.split(","):
        found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::([^:]*))?", address)
        if found is None:
            raise InvalidDatabaseUrl("an IPv6 address must be in brackets, as in [::1]:5432")
        hosts.append(unquote(found[1]).strip("[]"))
        ports.append(unquote(found[2] or ""))
    parts = {"user": user, "password": password, "dbname": database}
    parameters = {name: unquote(value) for name, value in parts.items() if value}
    parameters |= {"host": ",".join(hosts)} if any(hosts) else {}
    parameters |= {"port": ",".join(ports)} if any(ports) else {}
    for pair in filter(None, query.split("&")):
        name, separator, value = pair.partition("=")
        if not separator:
            raise InvalidDatabaseUrl(f"the parameter {unquote(name)!r} has no value")
        parameters[unquote(name)] = unquote(value)
    return parameters


def _require_supported(parameters: dict[str, str]) -> None:
    for name, value in parameters.items():
        if name in _SUPPORTED:
            if value not in _SUPPORTED[name]:
                raise InvalidDatabaseUrl(f"{name} must be {_either(_SUPPORTED[name])}: change or remove it")
        elif name in _FILES:
            if (name, value) != ("sslrootcert", "system") and not Path(value).expanduser().is_file():
                raise InvalidDatabaseUrl(f"{name}: there is no such file")
        elif name not in _ANY_VALUE:
            raise InvalidDatabaseUrl(f"the parameter {name!r} is not supported: remove it")


def _complete_ssl_mode(parameters: dict[str, str]) -> None:
    """Set the default of `sslmode`, and hold it against `sslrootcert` as libpq does (section 32.19.1)."""
    root = parameters.get("sslrootcert")
    mode = parameters.setdefault("sslmode", "verify-full" if root == "system" else "prefer")
    if root == "system" and mode != "verify-full":
        raise InvalidDatabaseUrl("sslrootcert=system needs sslmode=verify-full")
    if mode in {"verify-ca", "verify-full"} and not root and not (_HOME / "root.crt").expanduser().is_file():
        raise InvalidDatabaseUrl(
            f"sslmode={mode} needs the CA of the server: name its file in sslrootcert, or set sslrootcert=system"
        )
    if parameters.get("sslnegotiation") == "direct" and mode not in {"require", "verify-ca", "verify-full"}:
        raise InvalidDatabaseUrl("sslnegotiation=direct needs sslmode=require, verify-ca or verify-full")


def _hosts(hosts: str, ports: str) -> tuple[Host, ...]:
    names = hosts.split(",")
    numbers = ports.split(",")
    if len(numbers) == 1:
        numbers *= len(names)
    if len(numbers) != len(names):
        raise InvalidDatabaseUrl(f"there are {len(names)} hosts and {len(numbers)} ports")
    if not all(number == "" or (number.isdecimal() and 0 < int(number) < 1 << 16) for number in numbers):
        raise InvalidDatabaseUrl("a port must be a number from 1 to 65535")
    return tuple(Host(name, number or DEFAULT_PORT) for name, number in zip(names, numbers, strict=True))


def _connect_timeout(value: str | None) -> float | None:
    if value is None:
        return CONNECT_TIMEOUT
    if not re.fullmatch(r"-?\d+", value):
        raise InvalidDatabaseUrl("connect_timeout must be a whole number of seconds")
    return float(value) if int(value) > 0 else None


def _options(value: str) -> tuple[tuple[str, str], ...]:
    """Parse `-c name=value --name=value`, in which a backslash escapes a space (section 19.1.3)."""
    words = iter(re.sub(r"\\(.)", r"\1", word) for word in re.findall(r"(?:\\.|[^\s\\])+", value))
    settings = []
    for word in words:
        found = _SETTING.fullmatch("-c" + next(words, "") if word == "-c" else word)
        if found is None:
            raise InvalidDatabaseUrl("options may only have settings, as in options=-c%20search_path%3Dhaulage")
        settings.append((found[1].replace("-", "_"), found[2]))
    return tuple(settings)


def _either(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
