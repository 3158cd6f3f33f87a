"""Migrations. They run only by `haulage migrate` (or `haulage up`), never by `serve` or `worker`.

A release only adds what the previous release can run beside, and removes it a release later.
"""
