"""ETags in one form."""

from __future__ import annotations


def quoted(etag: str) -> str:
    """Return the ETag in quotes, as in HTTP (RFC 9110, section 8.8.3); some stores omit them in XML responses.

    HEAD, GET, listings and multipart responses are all brought into this form, so ETags can be compared as strings.
    """
    return etag if etag.startswith(('"', 'W/"')) else f'"{etag}"'
