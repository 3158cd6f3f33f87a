"""How large the tests are that can be made smaller: `SCALE=0.1` runs them with a tenth of their clients, bytes or time."""

from __future__ import annotations

import os

SCALE = float(os.environ.get("SCALE", "1"))
"""1 for the figures of the docs."""
