"""Grants: what an app lets a browser request that has no account here.

An app signs a JWT with a key that is registered here, of the form
`{iss, sub, aud, exp, jti, grant: {files | prefix, maxFiles, maxBytes, jobs, onMissing, archiveName}}`. It has all that its
holder may request: the app itself is never called.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator
from pydantic.alias_generators import to_camel

from app.problems import Forbidden
from app.request_bodies import FileId, FileSelection, Name
from jobs.bundles.downloads import MAX_FILES, OnMissing
from jobs.bundles.resolver import Missing, Source

MAX_SHOWN = 10
"""Files that a refusal names."""


class Grant(BaseModel):
    """The claim `grant`: either the ids of files or how their keys start, and limits."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    files: frozenset[FileId] | None = Field(default=None, min_length=1, max_length=MAX_FILES)
    prefix: Annotated[StrictStr, Field(min_length=1, max_length=1024)] | None = None
    """How the keys of the files start in the store. A final slash keeps `a/` from meaning `ab/`, too."""
    max_files: Annotated[StrictInt, Field(ge=1)] = MAX_FILES
    """Of one job."""
    max_bytes: Annotated[StrictInt, Field(ge=1)] | None = None
    """Of the files of one job together."""
    jobs: Annotated[StrictInt, Field(ge=1, lt=2**31)] = 1
    """How many may be created with it."""
    on_missing: OnMissing | None = None
    archive_name: Name | None = None

    @model_validator(mode="after")
    def _names_files(self) -> Self:
        if (self.files is None) == (self.prefix is None):
            raise ValueError("give either files or prefix")
        return self

    @property
    def depends_on_files(self) -> bool:
        """Whether `check_files` has anything to check, for which the files have to be resolved first."""
        return self.prefix is not None or self.max_bytes is not None

    def applied_to(self, selection: FileSelection) -> FileSelection:
        """The selection with what the grant prescribes. Raises `Forbidden` for one that the grant does not cover."""
        if selection.sources():
            raise Forbidden("The grant covers files of the catalogue, and no URLs.")
        self.check_ids([file.file_id for file in selection.requests()])
        prescribed = {"on_missing": self.on_missing, "archive_name": self.archive_name}
        changes: dict[str, Any] = {name: value for name, value in prescribed.items() if value is not None}
        for name, value in changes.items():
            if name in selection.model_fields_set and getattr(selection, name) != value:
                raise Forbidden(f"The grant prescribes {to_camel(name)}: {value}. Leave it out of the request.")
        return selection.model_copy(update=changes)

    def check_ids(self, file_ids: Sequence[int]) -> None:
        """Raises `Forbidden` for more files than the grant allows, or for others."""
        if len(file_ids) > self.max_files:
            raise Forbidden(f"The grant allows {self.max_files} files in one job, not {len(file_ids)}.")
        if self.files is not None:
            _refuse([file_id for file_id in file_ids if file_id not in self.files])

    def check_files(self, found: Sequence[Source | Missing]) -> None:
        """Raises `Forbidden` unless all files have the grant's prefix, and together no more bytes than it allows."""
        if self.prefix is not None:
            # A missing file has no key, so that nobody can find out which other files exist.
            _refuse([one.file_id for one in found if isinstance(one, Missing) or not one.key.startswith(self.prefix)])
        size = sum(one.size for one in found if isinstance(one, Source))
        if self.max_bytes is not None and size > self.max_bytes:
            raise Forbidden(f"The grant allows {self.max_bytes} bytes in one job, but these files have {size}.")


def _refuse(file_ids: Sequence[int]) -> None:
    if file_ids:
        more = f" and {len(file_ids) - MAX_SHOWN} more" if len(file_ids) > MAX_SHOWN else ""
        raise Forbidden(f"The grant does not cover these files: {', '.join(map(str, file_ids[:MAX_SHOWN]))}{more}.")
