"""The header under which a browser saves an object."""

from __future__ import annotations

import re
from unicodedata import combining, normalize
from urllib.parse import quote

# C0, DEL, C1, line and paragraph separators, surrogates, and what Windows forbids.
_FORBIDDEN = re.compile('[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff<>:"|?*]')
_UNQUOTABLE = re.compile(r'[^ -~]|["%/\\]')


def content_disposition(filename: str, *, inline: bool = False) -> str:
    """The `Content-Disposition` header with which a browser saves as `filename` (RFC 6266, section 4), or shows it.

    It has `filename*` (RFC 8187, section 3.2) only if plain ASCII cannot represent the name.
    """
    clean = _FORBIDDEN.sub("_", filename)
    ascii_only = "".join(char for char in normalize("NFKD", clean) if not combining(char))
    fallback = _UNQUOTABLE.sub("_", clean if clean.isascii() else ascii_only)
    extended = "" if fallback == clean else f"; filename*=UTF-8''{quote(clean, safe='!#$&+-.^_`|~')}"
    return f'{"inline" if inline else "attachment"}; filename="{fallback}"{extended}'
