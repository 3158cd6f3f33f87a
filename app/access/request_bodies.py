"""The models of what clients send to sign in, to create keys and to share results."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictInt, StrictStr

from app.access.principals import DOWNLOAD_SCOPES, Scope
from app.request_bodies import Body


class SignIn(Body):
    """What opens a session."""

    link: Annotated[StrictStr, Field(min_length=1, max_length=200)] = Field(
        description="The secret of a one-time link: what comes after `#` in its URL."
    )


class NewKey(Body):
    """An API key to create."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=100)] = Field(
        description="What it is for.", examples=["backup"]
    )
    scopes: list[Scope] = Field(
        default=sorted(DOWNLOAD_SCOPES), min_length=1, description="What it may be used for, at most."
    )
    expires_in: Annotated[StrictInt, Field(ge=60, le=10 * 366 * 86_400)] | None = Field(
        default=365 * 86_400, description="Seconds until it expires; null: never."
    )


class NewShare(Body):
    """A share link to create."""

    expires_in: Annotated[StrictInt, Field(ge=60, le=366 * 86_400)] = Field(
        default=7 * 86_400, description="Seconds until it expires. The result may expire earlier."
    )
    max_uses: Annotated[StrictInt, Field(ge=1, le=1_000_000)] | None = Field(
        default=None,
        description="How often it may be used; null: any number. All requests from one address within `LINK_TTL` are "
        "one use, so that a download can be resumed.",
    )
    password: Annotated[StrictStr, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="To be sent with `Authorization: Basic` and any user name."
    )
