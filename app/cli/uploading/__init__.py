"""Uploads from this machine: local files, sent in parts to the store, until they are in the catalogue."""
