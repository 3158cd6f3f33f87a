"""Says what is wrong with a value, in words of our own: bodies, messages, query parameters, headers and settings alike.

A problem is a field and a rule that its value breaks, with what was given: `("onMissing", "must be 'fail' or 'skip', not
'ignore'")`. pydantic's own texts reach no user: an error type without a rule here is only "not valid".
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

Problem = tuple[str, str]
"""A field, and what is wrong with it."""

UNION_TAG = "item:"
"""How the tags of unions begin whose members are told apart by a function: pydantic's locations contain them."""
MAX_SHOWN = 60
"""Longest part of a value that a message repeats, in characters."""

RULES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "datetime_from_date_parsing": "must be a time with its zone, as 2026-11-30T12:00:00Z",
    "datetime_parsing": "must be a time with its zone, as 2026-11-30T12:00:00Z",
    "datetime_type": "must be a time with its zone, as 2026-11-30T12:00:00Z",
    "dict_type": "must be an object",
    "enum": "must be {expected}",
    "finite_number": "must be a finite number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number of fewer digits",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "path_not_file": "must be the path of an existing file",
    "string_type": "must be text",
    "union_tag_invalid": "must be {expected_tags}",
    "timezone_aware": "must be a time with its zone, as 2026-11-30T12:00:00Z",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
}
"""The rule that a value breaks, by the type of pydantic's error. `rejection` adds the value."""
REQUIRED = "is required"
"""The text for a field that is missing."""
TEXTS = {
    "extra_forbidden": "is not a known field",
    "missing": REQUIRED,
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
    "union_tag_not_found": REQUIRED,
}
"""What is wrong where no value is to be shown. All least lengths are 1."""
_NO_SCHEME = "relative URL without a base"


def problems_of(error: ValidationError, root: str, *, tagged: bool = False, secret: bool = False) -> list[Problem]:
    """Every problem of a value; `root` is the field of those that are about the whole of it.

    `tagged`: the value is one of a union that its tag decides, with which pydantic's locations begin. A `secret` is not
    shown.
    """
    start = 1 if tagged else 0
    return [_problem(item, item["loc"][start:], root, secret=secret) for item in error.errors(include_url=False)]


def rejection(rule: str, value: object) -> str:
    """The rule with the value that breaks it: `must be at least 1, not 0`."""
    return f"{rule}, not {shown(value)}"


def shown(value: object) -> str:
    """A value from JSON or from a text, as a message shows it."""
    if isinstance(value, str):
        return repr(value if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]}…")
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, Sequence):
        return "a list"
    text = json.dumps(value, default=str)  # null, true, false or a number
    return text if len(text) <= MAX_SHOWN else f"a number of {len(text)} characters"


def _problem(item: ErrorDetails, location: tuple[int | str, ...], root: str, *, secret: bool) -> Problem:
    kind, value, context = item["type"], item["input"], item.get("ctx", {})
    field = _field(location) or root
    if kind.startswith("union_tag"):
        field = str(context["discriminator"]).strip("'")
        value = context.get("tag")
    if kind in TEXTS:
        return field, TEXTS[kind]
    if kind in RULES:
        rule = RULES[kind].format_map(_formatted(context))
        return field, rule if secret else rejection(rule, value)
    return field, _other_text(kind, value, context)


def _other_text(kind: str, value: Any, context: Mapping[str, Any]) -> str:
    """What is wrong, where the value may be a secret or is too long to be repeated."""
    match kind:
        case "value_error":  # a text of our own
            return str(context["error"])
        case "json_invalid":
            return f"is not valid JSON: {context['error']}"
        case "string_too_long" | "too_long":
            unit = "items" if kind == "too_long" else "characters"
            return f"must have at most {context['max_length']} {unit}, not {len(value)}"
        case "url_scheme":
            return "must be a URL that starts with " + re.sub(r"'([^']*)'", r"\1://", context["expected_schemes"])
        case "url_parsing":
            reason = "it has no scheme, such as https://" if context["error"] == _NO_SCHEME else context["error"]
            return f"must be a URL: {reason}"
    return "is not valid"


def _formatted(context: Mapping[str, Any]) -> dict[str, Any]:
    """Limits without a fraction as whole numbers; tags of a union as the other choices are."""
    values = {
        name: int(value) if isinstance(value, float) and value.is_integer() else value
        for name, value in context.items()
    }
    if "expected_tags" in values:
        values["expected_tags"] = " or ".join(str(values["expected_tags"]).rsplit(", ", 1))
    return values


def _field(location: tuple[int | str, ...]) -> str:
    name = ""
    for step in location:
        if isinstance(step, str) and step.startswith(UNION_TAG):
            continue
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else step
    return name
