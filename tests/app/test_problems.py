"""Every error has its answer, and every answer its error."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from http import HTTPStatus

import app
import jobs
from app.problems import RESPONSES
from jobs.errors import HaulageError


def errors(of: type[HaulageError] = HaulageError) -> Iterator[type[HaulageError]]:
    """The class and all that derive from it, in all modules of the project."""
    yield of
    for each in of.__subclasses__():
        yield from errors(each)


def test_every_error_has_one_response_and_every_response_an_error() -> None:
    for package in (app, jobs):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.startswith("jobs.migrations."):  # alembic runs these, within a migration only
                importlib.import_module(module.name)
    ours = {each.code for each in errors() if each.__module__.partition(".")[0] in {"app", "jobs"}}
    assert ours == set(RESPONSES)


def test_errors_that_may_be_retried_say_when() -> None:
    unavailable = {code for code, answer in RESPONSES.items() if answer.status == HTTPStatus.SERVICE_UNAVAILABLE}
    assert [code for code in unavailable if not RESPONSES[code].retry_after] == []
    assert all(answer.status >= HTTPStatus.BAD_REQUEST and answer.exit_code > 0 for answer in RESPONSES.values())
