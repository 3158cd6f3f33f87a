"""The limits of docs/protocol.md that the conformance tests rely on; tests/test_protocol.py compares them with the code."""

from __future__ import annotations

SUBPROTOCOL = "haulage.v1"
MAX_MESSAGE_BYTES = 64 * 1024
MAX_JOBS = 100
"""Jobs that one WebSocket may follow."""
MAX_STREAM_JOBS = 50
"""Jobs that one event stream may follow."""
MAX_FAULTS = 10
SILENCE = 20.0
"""Seconds without a byte after which an event stream is broken."""
COMMENT_WATCH = 35.0
"""Seconds for which a silent event stream is watched for comments."""
PING_WATCH = 35.0
"""Seconds within which an idle WebSocket must have been pinged."""
FUTURE = 1_000_000
"""Added to a `seq`: higher than any that the job can have."""
