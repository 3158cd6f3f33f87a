"""Uploads: files that users send in."""
