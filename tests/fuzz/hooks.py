"""Hooks of schemathesis: requests wait no longer than a moment, and the key that they are sent with stays valid."""

from __future__ import annotations

import os
import re
from typing import Any

import schemathesis
from schemathesis import Case, HookContext

from app.diagnosis_limits import MAX_WAIT

LONGEST = 0.2
"""Seconds that a request may ask the gateway to wait."""
OWN_KEY = os.environ.get("FUZZ_KEY_ID", "")
"""The id of the key that requests are sent with: revoking it would end what is tested."""


@schemathesis.hook
def filter_case(context: HookContext, case: Case[Any]) -> bool:
    del context
    return not OWN_KEY or case.path_parameters.get("id") != OWN_KEY


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Shortens what is valid; what is not is sent as it is."""
    del context, kwargs
    for name in ("wait", "silence"):
        value = str((case.query or {}).get(name))
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) and LONGEST < float(value) <= MAX_WAIT:
            case.query[name] = LONGEST
    prefer = case.headers.get("Prefer") if case.headers else None
    if isinstance(prefer, str):
        case.headers["Prefer"] = re.sub(r"wait\s*=\s*\"?\d+\"?", "wait=0", prefer)
