"""Where a command finds its servers: in the environment, or in the stack that runs in a folder of this machine."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ValidationError

from app.stack.errors import StackError
from jobs.errors import InvalidRequest
from jobs.settings import Settings

DEFAULT_DATA_DIR = ".haulage"
DEFAULT_SERVER = "http://127.0.0.1:8080"
_ADDRESS_FILE = "server.url"


def data_dir_of(given: Path | None) -> Path:
    """The folder that was given, or else the one of the environment."""
    return given or Path(os.environ.get("HAULAGE_DATA_DIR") or DEFAULT_DATA_DIR)


def load_settings(given: Path | None) -> Settings:
    """Settings of the stack in the folder `given`; else of the environment; else of the stack in the default folder.

    Raises `InvalidRequest`, which names every variable that is missing or wrong, and `StackError` when `given` has no
    running stack.
    """
    if given is not None:
        return settings_of(_stack(given))
    if os.environ.get("DATABASE_URL"):
        return settings_of({})
    try:
        environment = _stack(data_dir_of(None))
    except StackError as error:
        return settings_of({}, otherwise=str(error))
    return settings_of(environment)


def _stack(data_dir: Path) -> dict[str, str]:
    from app.stack.stack import read_environment  # needs the extra `stack`

    return read_environment(data_dir)


def settings_of(environment: dict[str, str], otherwise: str = "") -> Settings:
    """Settings from `environment`, and for the rest from our own. Raises `InvalidRequest`, which ends with `otherwise`."""
    try:
        return Settings(**{name.lower(): value for name, value in environment.items()})  # type: ignore[arg-type]
    except ValidationError as error:
        raise _incomplete(error, otherwise) from error


def _incomplete(error: ValidationError, otherwise: str) -> InvalidRequest:
    """One message for all variables. It never quotes a value, which may be a secret."""
    found = error.errors(include_url=False, include_input=False)
    named = [("_".join(map(str, item["loc"])).upper(), item) for item in found]
    missing = [name for name, item in named if item["type"] == "missing"]
    wrong = [": ".join(filter(None, (name, item["msg"]))) for name, item in named if item["type"] != "missing"]
    said = [f"the environment lacks {', '.join(missing)}"] if missing else []
    said += wrong
    if otherwise:
        said.append(otherwise)
    return InvalidRequest("Settings: " + "; ".join(said))


def server_of(server: str | None, given: Path | None) -> str:
    """The server's address: the one named, else that of the stack in the folder, else the default one.

    Raises `StackError` when a folder is `given` and no stack runs in it.
    """
    if server is not None:
        return server
    if given is not None:
        _stack(given)
    return read_address(data_dir_of(given)) or DEFAULT_SERVER


def write_address(data_dir: Path, url: str) -> None:
    """Keep the address of the stack's gateway for `read_address`."""
    (data_dir / _ADDRESS_FILE).write_text(url)


def remove_address(data_dir: Path) -> None:
    """Forget it; fine when none was kept."""
    (data_dir / _ADDRESS_FILE).unlink(missing_ok=True)


def read_address(data_dir: Path) -> str | None:
    """The address of the gateway of the stack that runs in the folder; None when none does."""
    try:
        url = (data_dir / _ADDRESS_FILE).read_text().strip()
        _stack(data_dir)
    except (OSError, StackError):
        return None
    return url
