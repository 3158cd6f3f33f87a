"""Runs decoders in children that can read their source, write their outputs, and do nothing else."""

from __future__ import annotations

from jobs.processing.sandbox.children import Ended, Limits
from jobs.processing.sandbox.choice import choose_sandbox
from jobs.processing.sandbox.sandboxes import Sandbox

__all__ = ["Ended", "Limits", "Sandbox", "choose_sandbox"]
