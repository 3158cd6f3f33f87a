"""The operations of the intake. Those that the gateway has as well redirect there (`app.operations`)."""

from __future__ import annotations

from app.middleware import HEALTH
from app.operations import OPERATIONS

INTAKE_OPERATIONS = (*(one for one in OPERATIONS if one.path in HEALTH),)
