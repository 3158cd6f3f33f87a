"""The parameters of a database URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.database_url import CONNECT_TIMEOUT, Host, InvalidDatabaseUrl, parse_database_url


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://h/d", [("h", "5432")]),
        ("postgres://u:p@h:1/d", [("h", "1")]),
        ("postgresql+asyncpg://u@h/d", [("h", "5432")]),
        ("postgresql://u@[::1]:99/d", [("::1", "99")]),
        ("postgresql://h1:1,h2,h3:3/d", [("h1", "1"), ("h2", "5432"), ("h3", "3")]),
        ("postgresql://h1,h2/d?port=7", [("h1", "7"), ("h2", "7")]),
        ("postgresql:///d?host=/run/postgresql", [("/run/postgresql", "5432")]),
        ("postgresql://%2Frun%2Fpostgresql:99/d", [("/run/postgresql", "99")]),
        ("postgresql://u@first/d?host=a,b&port=1,2", [("a", "1"), ("b", "2")]),
        ("postgresql://", [("", "5432")]),
    ],
)
def test_hosts(url: str, hosts: list[tuple[str, str]]) -> None:
    assert [(host.name, host.port) for host in parse_database_url(url).hosts] == hosts


@pytest.mark.parametrize(
    ("password", "written"),
    [("a b", "a%20b"), ("p@s:w/r?d#&=+%", "p%40s%3Aw%2Fr%3Fd%23%26%3D%2B%25"), ("a@b#c", "a@b#c")],
)
def test_a_password_may_have_any_character(password: str, written: str) -> None:
    parsed = parse_database_url(f"postgresql://u%40x:{written}@h/d%20b")
    assert dict(parsed.parameters) == {"user": "u@x", "password": password, "dbname": "d b", "sslmode": "prefer"}
    assert parsed.hosts == (Host("h", "5432"),)


def test_parameters_that_are_ours() -> None:
    parsed = parse_database_url("postgresql://h/d")
    assert (parsed.connect_timeout, parsed.application_name) == (CONNECT_TIMEOUT, None)
    assert (parsed.target_session_attrs, parsed.options) == ("any", ())
    parsed = parse_database_url(
        "postgresql://h/d?connect_timeout=7&application_name=a&fallback_application_name=b&target_session_attrs=read-write"
        "&options=-c%20search_path%3Da,b%20--lock-timeout%3D5%20-cwork_mem=1%5C%20MB"
    )
    assert (parsed.connect_timeout, parsed.application_name) == (7, "a")
    assert parsed.target_session_attrs == "read-write"
    assert parsed.options == (("search_path", "a,b"), ("lock_timeout", "5"), ("work_mem", "1 MB"))
    assert parse_database_url("postgresql://h/d?fallback_application_name=b").application_name == "b"
    assert parse_database_url("postgresql://h/d?connect_timeout=0").connect_timeout is None


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_modes_of_tls(mode: str) -> None:
    assert dict(parse_database_url(f"postgresql://h/d?sslmode={mode}").parameters)["sslmode"] == mode


def test_defaults_of_the_mode_of_tls() -> None:
    modes = {"": "prefer", "?ssl=true": "require", "?sslrootcert=system": "verify-full"}
    assert {end: dict(parse_database_url(f"postgresql://h/d{end}").parameters)["sslmode"] for end in modes} == modes


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://h/d", "it must begin with postgresql://"),
        ("host=h dbname=d", "it must begin with postgresql://"),
        ("postgresql://::1/d", "an IPv6 address must be in brackets"),
        ("postgresql://h:x/d", "a port must be a number"),
        ("postgresql://h:99999/d", "a port must be a number"),
        ("postgresql://h1,h2,h3/d?port=1,2", "there are 3 hosts and 2 ports"),
        ("postgresql://h/d?sslmode", "the parameter 'sslmode' has no value"),
        ("postgresql://h/d?sslmode=on", "sslmode must be disable, allow, prefer, require, verify-ca or verify-full"),
        (
            "postgresql://h/d?target_session_attrs=master",
            "target_session_attrs must be any, read-write, read-only, primary",
        ),
        ("postgresql://h/d?connect_timeout=soon", "connect_timeout must be a whole number of seconds"),
        ("postgresql://h/d?options=-x", "options may only have settings"),
        ("postgresql://h/d?channel_binding=require", "channel_binding must be disable or prefer: change or remove it"),
        ("postgresql://h/d?gssencmode=require", "gssencmode must be disable or prefer"),
        ("postgresql://h/d?load_balance_hosts=random", "load_balance_hosts must be disable"),
        ("postgresql://h/d?sslmode=require&sslrootcert=system", "sslrootcert=system needs sslmode=verify-full"),
        ("postgresql://h/d?sslrootcert=/nowhere/ca.pem", "sslrootcert: there is no such file"),
        ("postgresql://h/d?sslnegotiation=direct", "sslnegotiation=direct needs sslmode=require"),
        ("postgresql://h/d?hostaddr=127.0.0.1", "the parameter 'hostaddr' is not supported: remove it"),
        ("postgresql://h/d?keepalives=1", "the parameter 'keepalives' is not supported: remove it"),
        ("postgresql://h/d?pgbouncer=true", "the parameter 'pgbouncer' is not supported: remove it"),
        ("postgresql://h/d?service=x", "the parameter 'service' is not supported: remove it"),
    ],
)
def test_what_is_not_supported_is_refused_by_name(url: str, said: str) -> None:
    with pytest.raises(InvalidDatabaseUrl) as refused:
        parse_database_url(url)
    assert str(refused.value).startswith(said)


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_verification_needs_a_ca(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(InvalidDatabaseUrl, match="needs the CA of the server"):
        parse_database_url(f"postgresql://h/d?sslmode={mode}")
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    parse_database_url(f"postgresql://h/d?sslmode={mode}")
