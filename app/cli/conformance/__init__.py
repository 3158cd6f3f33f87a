"""Whether a running server keeps to docs/protocol.md: its rules, one by one, seen from outside."""
