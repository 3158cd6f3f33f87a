"""Requests to addresses that users name: webhooks and sources of files. Each goes through one guard (`Egress`).

The gateway and the workers stand inside a network whose other hosts trust them. So a request to a host of a user's choice
must reach public addresses only, or what `EGRESS_ALLOW` adds to them.
"""
