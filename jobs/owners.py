"""Whose jobs and files they are."""

ANONYMOUS = "anonymous"
"""The owner of every job and file until users exist."""
MAX_USER_NAME = 255
"""Characters of a user's name."""
VISITOR = ""
"""The name of callers without any credential (`ANONYMOUS=read`): it owns nothing, since no user is called so."""
PURGED = "purged"
"""The owner of the jobs of users who were purged, until `JOB_RETENTION` deletes their rows. No user is called so."""
TERMINAL = "terminal"
"""Who acts by the command line of the server, in the audit log. No user is called so."""
RESERVED = frozenset({ANONYMOUS, PURGED, TERMINAL})
"""Names with a meaning of their own."""
APP_PREFIX = "app:"
"""How owners start that are users of an app, not of an issuer: `app:portal|subject`."""

KEY_PREFIX = "key:"
"""How owners start in whose name a key acts: `key:portal|subject` for a key of the user `portal`."""
NAMESPACES = (APP_PREFIX, KEY_PREFIX)
"""No issuer of tokens is called so."""


def is_user_name(name: str) -> bool:
    """Whether a user who is no subject of an issuer can have this name: it has no `|`, and no meaning of its own."""
    return (
        0 < len(name) <= MAX_USER_NAME
        and name == name.strip()
        and name.isprintable()
        and "|" not in name
        and name not in RESERVED
    )


def issuer_name(issuer: str) -> str:
    """How the owners start that are subjects of a token issuer: `https://id.example/` is `id.example`."""
    return (issuer.partition("://")[2] or issuer).removesuffix("/")
