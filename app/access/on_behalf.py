"""Keys that act for the users of an app: its backend names the user in a header, and the jobs belong to that user.

Such a user has no account here, and its name stands in a namespace of the key's user: `key:portal|user-7`. So a key can
pass for nobody who has an account, nor for the users of another app, and another key of the same user can go on with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from app.access.principals import Principal, Proof, Role, Scope
from app.problems import Forbidden
from jobs.errors import InvalidRequest
from jobs.owners import KEY_PREFIX, is_user_name

HEADER = b"haulage-on-behalf-of"


def acting(principal: Principal, headers: Mapping[bytes, bytes]) -> Principal:
    """The user whom the request names, as whom the principal acts; the principal itself if it names none.

    The user may do no more than the key, manages no access and acts for nobody else. Its role is never more than `user`,
    and it reads the files that users in the groups of the key's user may read.
    Raises `Forbidden` unless the principal is an admin with a key that has the scope `act_as`, and `InvalidRequest` for
    what is no name.
    """
    named = headers.get(HEADER)
    if named is None:
        return principal
    if principal.proof is not Proof.KEY or Scope.ACT_AS not in principal.scopes:
        raise Forbidden("Only an API key with the scope act_as may send Haulage-On-Behalf-Of.")
    if principal.role is not Role.ADMIN:
        raise Forbidden(f"The key has the scope act_as, but its user {principal.owner} is no admin any more.")
    try:
        subject = named.decode()
    except UnicodeDecodeError:
        subject = ""
    if not is_user_name(subject):
        raise InvalidRequest(
            "Haulage-On-Behalf-Of must be a name of 1 to 255 printable characters in UTF-8, without |."
        )
    return replace(
        principal,
        owner=f"{KEY_PREFIX}{principal.owner}|{subject}",
        role=Role.USER,
        scopes=principal.scopes - {Scope.ACT_AS, Scope.ACCESS_MANAGE},
        actor=principal.owner,
    )
