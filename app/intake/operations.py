"""The operations of the intake. The gateway redirects those of forms to it."""

from __future__ import annotations

from dataclasses import replace

from app.access.rules import RECEIVE_FILE, TO_INTAKE
from app.intake import form_uploads, tus
from app.middleware import HEALTH
from app.operations import OPERATIONS

INTAKE_OPERATIONS = (
    *(replace(one, rule=RECEIVE_FILE, handler=form_uploads.receive) for one in OPERATIONS if one.rule == TO_INTAKE),
    *tus.OPERATIONS,
    *(one for one in OPERATIONS if one.path in HEALTH),
)
