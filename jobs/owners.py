"""Whose jobs and files they are."""

ANONYMOUS = "anonymous"
"""The owner of every job and file until users exist."""
