"""Uploads: a kind of work. Files come in, are checked, and become files of the catalogue."""
