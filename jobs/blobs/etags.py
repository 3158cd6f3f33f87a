"""ETags in one form."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

_MD5 = re.compile(r'"([0-9a-f]{32})"')


def quoted(etag: str) -> str:
    """The ETag as HTTP writes it, in quotes (RFC 9110, section 8.8.3); some stores leave them out in XML answers.

    HEAD, GET, listings and multipart answers all give this form, so two of them can be compared as strings.
    """
    return etag if etag.startswith(('"', 'W/"')) else f'"{etag}"'


def of_parts(etags: Sequence[str]) -> str | None:
    """The ETag of an object that was made of parts with these, in their order; None where they are no MD5 sums.

    That is how S3 and those like it do it, if the object is not encrypted with a key of a key service (Amazon S3 User
    Guide, "Checking object integrity").
    """
    found = [_MD5.fullmatch(etag) for etag in etags]
    if not all(found):
        return None
    sums = b"".join(bytes.fromhex(match[1]) for match in found if match)
    return quoted(f"{hashlib.md5(sums, usedforsecurity=False).hexdigest()}-{len(etags)}")
