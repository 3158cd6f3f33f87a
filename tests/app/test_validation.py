"""What is wrong with a value is said in words of our own: the field, what was given, and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from app.request_bodies import FileSelection, OneFile
from app.requests import check
from app.validation import RULES, problems_of, shown
from jobs.errors import InvalidRequest


def problems(body: Any, model: type[BaseModel]) -> Sequence[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as raised:
        check(body, model)
    return raised.value.problems


@pytest.mark.parametrize(
    ("body", "field", "text"),
    [
        ({}, "body", "give either file_ids or files"),
        ("10000", "body", "must be an object, not '10000'"),
        ([10_000], "body", "must be an object, not a list"),
        ({"file_ids": []}, "file_ids", "must not be empty"),
        ({"file_ids": list(range(10_000, 11_001))}, "file_ids", "must have at most 1000 items, not 1001"),
        ({"file_ids": 10_000}, "file_ids", "must be a list, not 10000"),
        ({"file_ids": [9_999]}, "file_ids[0]", "must be at least 10000, not 9999"),
        ({"file_ids": [100_000_001]}, "file_ids[0]", "must be at most 100000000, not 100000001"),
        (
            {"file_ids": [10**4000]},
            "file_ids[0]",
            "must be at most 100000000, not a number of 4001 characters",
        ),
        ({"file_ids": [True]}, "file_ids[0]", "must be a whole number, not true"),
        ({"file_ids": [10_000.0]}, "file_ids[0]", "must be a whole number, not 10000.0"),
        ({"file_ids": ["10000"]}, "file_ids[0]", "must be a whole number, not '10000'"),
        ({"file_ids": [None]}, "file_ids[0]", "must be a whole number, not null"),
        ({"file_ids": [{}]}, "file_ids[0]", "must be a whole number, not an object"),
        ({"file_ids": [10_000, 10_000]}, "file_ids[1]", "10000 is repeated"),
        ({"files": [5]}, "files[0]", "must be an object, not 5"),
        ({"files": [{"name": "a"}]}, "files[0].file_id", "is required"),
        ({"files": [{"file_id": 10_000, "size": 5}]}, "files[0].size", "is not a known field"),
        ({"files": [{"url": "x", "name": "a"}]}, "files[0].url", "The URL is not of the form https://host/path."),
        ({"file_ids": [10_000], "archiveName": ""}, "archiveName", "must not be empty"),
        ({"file_ids": [10_000], "archiveName": 5}, "archiveName", "must be text, not 5"),
        (
            {"file_ids": [10_000], "archiveName": "b" * 4096},
            "archiveName",
            "must have at most 1024 characters, not 4096",
        ),
        ({"file_ids": [10_000], "onMissing": "ignore"}, "onMissing", "must be 'fail' or 'skip', not 'ignore'"),
        ({"file_ids": [10_000], "compression": 8}, "compression", "must be 'store' or 'deflate', not 8"),
    ],
)
def test_a_problem_names_the_field_the_value_and_the_rule(body: Any, field: str, text: str) -> None:
    assert problems(body, FileSelection) == ((field, text),)


def test_the_summary_has_the_first_problems_in_one_sentence() -> None:
    with pytest.raises(InvalidRequest) as raised:
        check({"file_ids": [1] * 7}, FileSelection)
    listed = "; ".join(f"file_ids[{n}]: must be at least 10000, not 1" for n in range(5))
    assert raised.value.message == f"The request is not valid: {listed} (and 8 more)."
    assert problems({"file_id": "x"}, OneFile) == (("file_id", "must be a whole number, not 'x'"),)


def test_the_rules_are_of_errors_that_pydantic_has() -> None:
    of_pydantic_itself = {"path_not_file"}  # a custom error of a type
    assert set(RULES) <= set(get_args(ErrorType)) | of_pydantic_itself


def test_an_error_without_a_rule_does_not_show_the_words_of_pydantic() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(bytes).validate_python(5)
    assert problems_of(raised.value, "body") == [("body", "is not valid")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n\x1b'", '"a\\n\\x1b\'"'),
        ("x" * 61, repr("x" * 60 + "…")),
        (False, "false"),
        (1.5, "1.5"),
        (None, "null"),
        ({"a": 1}, "an object"),
        ((1,), "a list"),
    ],
)
def test_a_value_is_shown_safely_and_briefly(value: object, text: str) -> None:
    assert shown(value) == text
