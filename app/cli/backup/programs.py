"""PostgreSQL's own programs, `pg_dump` and `pg_restore`: found, checked for their version, and run."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.cli.errors import CommandFailed
from app.stack import postgres
from app.stack.errors import StackError
from jobs.database_url import parse_database_url

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
TRANSACTION_TIMEOUT = 17
"""The first major version that knows the setting `transaction_timeout`, which `pg_restore` sets from then on."""
_VARIABLES = {
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "passfile": "PGPASSFILE",
    "sslmode": "PGSSLMODE",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "sslnegotiation": "PGSSLNEGOTIATION",
    "ssl_min_protocol_version": "PGSSLMINPROTOCOLVERSION",
    "ssl_max_protocol_version": "PGSSLMAXPROTOCOLVERSION",
}
"""Environment variables of libpq (PostgreSQL 18 documentation, section 32.15), by the parameters that they stand for."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program of PostgreSQL, and its major version."""

    path: Path
    version: int


def find_program(name: str, least: int, most: int | None = None) -> Program:
    """Return the program of `PATH`, or else that of the extra `stack`, whose major version is `least` or later.

    With `most`, it is of no later version than that.

    Raises `CommandFailed`, which says which versions there are.
    """
    found = [Program(path, version) for path in _candidates(name) if (version := _version(path)) is not None]
    for program in found:
        if program.version >= least and (most is None or program.version <= most):
            return program
    have = ", ".join(f"{one.path} is of version {one.version}" for one in found) or "there is none here"
    if most is not None:
        raise CommandFailed(
            f"{name} of PostgreSQL {least} to {most} is needed, as the server does not know what later versions set:"
            f" {have}. Install the package postgresql-client-{most}."
        )
    raise CommandFailed(
        f"{name} of PostgreSQL {least} or later is needed, as the server or the backup is of that version: {have}."
        f" Install the package postgresql-client-{least}, or the one of a later version."
    )


def find_restore_program(dumped_by: int, server: int) -> Program:
    """Return a `pg_restore` that reads a dump of `pg_dump` of the version `dumped_by`, and can load it into the server.

    Raises `CommandFailed`, which says what can load it.
    """
    if server >= TRANSACTION_TIMEOUT:
        return find_program("pg_restore", dumped_by)
    if dumped_by >= TRANSACTION_TIMEOUT:
        raise CommandFailed(
            f"The backup was made with pg_dump of PostgreSQL {dumped_by}, and the server is {server}: it can be loaded only"
            f" into PostgreSQL {TRANSACTION_TIMEOUT} or later. Use such a server, or back up with pg_dump of version"
            f" {server}."
        )
    return find_program("pg_restore", dumped_by, TRANSACTION_TIMEOUT - 1)


def _candidates(name: str) -> list[Path]:
    found = [Path(path)] if (path := shutil.which(name)) else []
    try:
        found.append(postgres.program(name))
    except StackError:
        return found
    return found


def _version(path: Path) -> int | None:
    done = subprocess.run([path, "--version"], check=False, capture_output=True, text=True)  # noqa: S603 - found above
    match = _VERSION.search(done.stdout)
    return None if match is None else int(match[1])


async def run_program(program: Program, database_url: str, *arguments: str) -> None:
    """Run a program that connects to the database. Raises `CommandFailed` with its own last words if it fails."""
    process = await asyncio.create_subprocess_exec(
        program.path,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **connection_variables(database_url)},
    )
    try:
        _, errors = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        raise
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines()
        reason = next((line for line in lines if "error:" in line), lines[-1] if lines else "it gave no reason")
        raise CommandFailed(f"{program.path.name} ended with exit code {process.returncode}: {reason}")


def connection_variables(database_url: str) -> dict[str, str]:
    """The environment in which libpq connects as Haulage does. Passwords are no arguments, which everybody may read."""
    url = parse_database_url(database_url)
    variables = {_VARIABLES[name]: value for name, value in url.parameters if name in _VARIABLES}
    if any(host.name for host in url.hosts):
        variables["PGHOST"] = ",".join(host.name for host in url.hosts)
    variables["PGPORT"] = ",".join(host.port for host in url.hosts)
    if url.connect_timeout is not None:
        variables["PGCONNECT_TIMEOUT"] = f"{max(2, round(url.connect_timeout))}"
    if url.target_session_attrs != "any":
        variables["PGTARGETSESSIONATTRS"] = url.target_session_attrs
    options = [f"-c {name}={_escaped(value)}" for name, value in url.options]
    if options:
        variables["PGOPTIONS"] = " ".join(options)
    return variables


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
