"""The models of what clients send: the bodies of requests, and the messages on a WebSocket."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StrictStr,
    Tag,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from app.validation import UNION_TAG, shown
from jobs.bundles.downloads import MAX_FILES, MAX_NAME, Compression, OnMissing, SourceRequest, check_source_url
from jobs.engine.bulk_actions import BulkCommand
from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import UNKNOWN_FILE, FileRequest, Status
from jobs.errors import InvalidUrl
from jobs.files.names import safe_archive_name, safe_name
from jobs.files.tables import FILE_ID_MAX, FILE_ID_MIN
from jobs.files.visibility import Visibility
from jobs.kinds import Kind
from jobs.processing.recipes import DEFAULT_PAGES, MAX_PAGES, OnError, Wishes
from jobs.uploads.uploads import MAX_PARTS, MAX_SIGNED, MAX_UPLOADS, NewUpload
from jobs.webhooks.messages import OF_JOBS, OF_OPERATORS, EventName


def _is_source_url(text: str) -> str:
    try:
        return check_source_url(text)
    except InvalidUrl as error:
        raise ValueError(error.message) from None  # without the URL, which may have secrets


def _is_sha256(text: str) -> str:
    if re.fullmatch(r"[0-9a-fA-F]{64}", text) is None:
        msg = f"must be a SHA-256 of 64 hexadecimal digits, not {shown(text)}"
        raise ValueError(msg)
    return text.lower()


Url = Annotated[StrictStr, AfterValidator(_is_source_url), Field(examples=["https://files.example/report.pdf"])]
Sha256 = Annotated[StrictStr, AfterValidator(_is_sha256)]
FileId = Annotated[StrictInt, Field(ge=FILE_ID_MIN, le=FILE_ID_MAX, examples=[10000])]
Name = Annotated[StrictStr, Field(min_length=1, max_length=MAX_NAME)]


class Body(BaseModel):
    """A request body: camelCase except `file_id` and `file_ids`; unknown fields are rejected."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class FileItem(Body):
    """A requested file, with an optional name in the archive."""

    file_id: FileId = Field(alias="file_id")
    name: Name | None = None


class UrlItem(Body):
    """A file that is fetched from a URL, with its name in the archive."""

    url: Url = Field(
        description="`https://…`, without user name and password; `http://…` only for hosts of `EGRESS_ALLOW`. Its query "
        "may have secrets: it is shown to nobody."
    )
    name: Name
    sha256: Sha256 | None = Field(
        default=None,
        description="SHA-256 of the file in hexadecimal digits. A file with another one counts as missing.",
    )


def _kind_of_item(value: object) -> str:
    return URL_ITEM if isinstance(value, UrlItem) or (isinstance(value, dict) and "url" in value) else FILE_ITEM


FILE_ITEM, URL_ITEM = f"{UNION_TAG}file", f"{UNION_TAG}url"
SelectedItem = Annotated[
    Annotated[FileItem, Tag(FILE_ITEM)] | Annotated[UrlItem, Tag(URL_ITEM)], Discriminator(_kind_of_item)
]


class FileSelection(Body):
    """The requested files: either ids, or a list of ids with names and of URLs. 1 to 1000, each once."""

    file_ids: list[FileId] | None = Field(default=None, alias="file_ids", min_length=1, max_length=MAX_FILES)
    files: list[SelectedItem] | None = Field(default=None, min_length=1, max_length=MAX_FILES)
    archive_name: Name | None = Field(
        default=None, description="Name of the bundle. Unsafe characters are replaced, and `.zip` is added."
    )
    on_missing: OnMissing = Field(default=OnMissing.FAIL, description="What happens when files are missing.")
    compression: Compression = Field(
        default=Compression.STORE,
        description="Compression of the bundle. A single file without `archiveName` is downloaded as is, not zipped.",
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.file_ids is None) == (self.files is None):
            msg = "give either file_ids or files"
            raise ValueError(msg)
        return self

    def requests(self) -> list[FileRequest]:
        """The files in the order of the request, their names made safe."""
        if self.files is None:
            return [FileRequest(file_id=file_id) for file_id in self.file_ids or ()]
        return [
            FileRequest(
                file_id=UNKNOWN_FILE if isinstance(item, UrlItem) else item.file_id,
                name=None if item.name is None else safe_name(item.name),
            )
            for item in self.files
        ]

    def sources(self) -> dict[int, SourceRequest]:
        """Which of the files are URLs, by their index."""
        return {
            index: SourceRequest(url=item.url, sha256=item.sha256)
            for index, item in enumerate(self.files or ())
            if isinstance(item, UrlItem)
        }

    def safe_archive_name(self) -> str | None:
        return None if self.archive_name is None else safe_archive_name(self.archive_name)

    @staticmethod
    def repeated(raw: Any) -> list[tuple[str, str]]:
        """Every place at which an id or a URL is repeated, with the problem. `raw` is the body, which may be invalid."""
        if not isinstance(raw, dict):
            return []
        repeated_urls: list[tuple[str, str]] = []
        places: list[tuple[str, object]] = []
        if isinstance(raw.get("file_ids"), list):
            places += [(f"file_ids[{i}]", value) for i, value in enumerate(raw["file_ids"][:MAX_FILES])]
        if isinstance(raw.get("files"), list):
            items = enumerate(raw["files"][:MAX_FILES])
            dicts = [(i, item) for i, item in items if isinstance(item, dict)]
            places += [(f"files[{i}].file_id", item.get("file_id")) for i, item in dicts]
            urls = [(f"files[{i}].url", item.get("url")) for i, item in dicts if isinstance(item.get("url"), str)]
            firsts = {url: place for place, url in reversed(urls)}
            repeated_urls = [(place, "is repeated") for place, url in urls if firsts[url] != place]
        counts = Counter(value for _, value in places if type(value) is int)
        seen: set[object] = set()
        found = []
        for place, value in places:
            if type(value) is int and counts[value] > 1 and value in seen:
                found.append((place, f"{value} is repeated"))
            seen.add(value if type(value) is int else None)
        return found + repeated_urls


class WantedJob(Body):
    """A job to follow, and the client's last `seq`."""

    job_id: UUID
    since: Annotated[StrictInt, Field(ge=0)] = 0


class FollowJobs(Body):
    """Message of a WebSocket client: follow these jobs."""

    type: Literal["follow"]
    jobs: list[WantedJob] = Field(min_length=1, max_length=1_000)


class UnfollowJobs(Body):
    """Message of a WebSocket client: stop following these jobs."""

    type: Literal["unfollow"]
    jobs: list[UUID] = Field(min_length=1, max_length=1_000)


class Watch(Body):
    """Message of a WebSocket client: follow the overview of the fleet, as operators do, or stop following it."""

    type: Literal["watch", "unwatch"]
    topic: Literal["operator"]


class Reauth(Body):
    """Message of a WebSocket client: a new token, before the access of the connection expires."""

    type: Literal["reauth"]
    token: Annotated[StrictStr, Field(min_length=1, max_length=8192)]


class OneFile(Body):
    """One file."""

    file_id: FileId = Field(alias="file_id")


def _is_crc32(text: str) -> str:
    if re.fullmatch(r"[0-9a-f]{8}", text) is None:
        msg = f"must be a CRC-32 of 8 hex digits in lower case, not {shown(text)}"
        raise ValueError(msg)
    return text


def _is_content_type(text: str) -> str:
    if re.fullmatch(r"[!-~]+/[!-:<-~]+(?: *;[ -~]*)?", text) is None:
        msg = f"must be a media type, as image/png, not {shown(text)}"
        raise ValueError(msg)
    return text


def _is_group(text: str) -> str:
    if "\0" in text:  # PostgreSQL stores none in text
        msg = f"must have no NUL character, unlike {shown(text)}"
        raise ValueError(msg)
    return text


def _text(time: object) -> object:
    """Pydantic accepts numbers as seconds since 1970, which no API says."""
    if not isinstance(time, str | None):
        msg = "must be a time as text, such as 2026-11-30T08:00:00Z"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns it into a problem
    return time


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError:
        msg = f"must be a time of the years 1 to 9999 in UTC, not {time.isoformat()}"
        raise ValueError(msg) from None


Crc32 = Annotated[StrictStr, AfterValidator(_is_crc32), Field(examples=["cbf43926"])]
Group = Annotated[Name, AfterValidator(_is_group)]
Time = Annotated[AwareDatetime, AfterValidator(_in_utc), BeforeValidator(_text)]
ContentType = Annotated[StrictStr, Field(max_length=255), AfterValidator(_is_content_type)]
MediaTypePattern = Annotated[StrictStr, Field(pattern=r"^[a-z]+/(\*|[a-z0-9.+-]{1,100})$")]
PartNumber = Annotated[StrictInt, Field(ge=1, le=MAX_PARTS)]


class UploadFile(Body):
    """A file that will be uploaded. Size in bytes."""

    name: Name = Field(description="Unsafe characters are replaced; folders are kept.")
    size: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)]
    content_type: ContentType | None = Field(
        default=None, description="What it is, as in `Content-Type`. A file whose content contradicts it is refused."
    )
    last_modified: Time | None = Field(
        default=None, description="When its content was last changed; it gets this time when a bundle is unpacked."
    )


class Sharing(Body):
    """Who may read uploaded files."""

    visibility: Visibility | None = Field(
        default=None,
        description="Who may read the files: `private`: you, `shared`: also the users of `groups`, `public`: every user. "
        "Default: `UPLOAD_VISIBILITY`.",
    )
    groups: list[Group] = Field(default=[], max_length=100, description="With which groups the files are shared.")

    @model_validator(mode="after")
    def _groups_are_for_shared_files(self) -> Self:
        if bool(self.groups) != (self.visibility is Visibility.SHARED):
            msg = "give groups with visibility 'shared', and only with it"
            raise ValueError(msg)
        return self


class RecipeWishes(Body):
    """What is made of a file, besides what always is."""

    avif: bool = Field(default=False, strict=True, description="Of an image, the web size also as AVIF.")
    pages: Annotated[StrictInt, Field(ge=0, le=MAX_PAGES)] = Field(
        default=DEFAULT_PAGES, description="Of a PDF, pictures of so many pages at most."
    )


class Processed(Sharing):
    """Uploads, with what is made of them."""

    recipe: Literal["auto", "none"] | RecipeWishes = Field(
        default="auto",
        description="What is made of the files: `auto`: what is usual for their type, as a thumbnail, `none`: nothing.",
    )
    on_processing_error: OnError = Field(
        default=OnError.KEEP,
        description="What becomes of the processing of a file if something can't be made of it: it completes with the rest "
        "(`keep`), or fails (`fail`). The file itself stays in both cases.",
    )

    def wishes(self) -> dict[str, Any] | None:
        """What is to be made of the files, as an upload has it."""
        return None if self.recipe == "none" else wishes_of(self.recipe, self.on_processing_error).as_json()

    def new_upload(
        self, file: UploadFile | ReceivedForm | TusMetadata, size: int | None, default: Visibility
    ) -> NewUpload:
        """The upload of a file that is shared like this. `default`: its visibility, where the client has given none."""
        return NewUpload(
            name=safe_name(file.name),
            size=size,
            content_type=file.content_type,
            modified_at=file.last_modified,
            visibility=self.visibility or default,
            groups=tuple(sorted(set(self.groups))),
            wishes=self.wishes(),
        )


def wishes_of(recipe: Literal["auto", "none"] | RecipeWishes, on_error: OnError) -> Wishes:
    """A recipe as the workers know it."""
    chosen = recipe if isinstance(recipe, RecipeWishes) else RecipeWishes()
    return Wishes(avif=chosen.avif, pages=chosen.pages, on_error=on_error)


class NewUploads(Processed):
    """The files to upload: 1 to 1000, each of which becomes a job."""

    files: list[UploadFile] = Field(min_length=1, max_length=MAX_UPLOADS)


class UploadForm(Processed):
    """A form with one file, whose part comes last. The part may have any name; its file name and type count."""

    recipe: Literal["auto", "none"] = "auto"

    name: Name | None = Field(
        default=None, description="Instead of the part's file name. Unsafe characters are replaced; folders are kept."
    )
    last_modified: Time | None = Field(
        default=None, description="When its content was last changed; it gets this time when a bundle is unpacked."
    )
    file: StrictStr = Field(json_schema_extra={"contentMediaType": "application/octet-stream"})


class ReceivedForm(UploadForm):
    """A form as the intake has read it. `file` is the file name."""

    name: Name
    content_type: ContentType | None = None


class TusMetadata(Processed):
    """What a client of tus says of its file, in `Upload-Metadata`."""

    recipe: Literal["auto", "none"] = "auto"
    name: Name
    content_type: ContentType | None = None
    last_modified: Time | None = None


class Reprocess(Body):
    """Which files of the catalogue are processed again, and how."""

    types: list[MediaTypePattern] = Field(
        default=[],
        max_length=20,
        description="Only files of these types, as `image/png` or `image/*`. Default: all that can be processed.",
    )
    missing: bool = Field(default=False, strict=True, description="Only files of which nothing was made yet.")
    since: Time | None = Field(default=None, description="Only files that were added since this time.")
    after: Annotated[StrictInt, Field(ge=0, le=2**63 - 1)] = Field(
        default=0, description="`next` of the previous response: continues behind that file."
    )
    recipe: Literal["auto"] | RecipeWishes = "auto"
    on_processing_error: OnError = OnError.KEEP


class FilterBody(Body):
    """Which jobs, of all owners: those that meet all conditions. The default means every job."""

    q: Annotated[StrictStr, Field(max_length=200)] = Field(
        default="", description="In the id, the title, the error, or the name of a file; or the owner."
    )
    status: list[Status] = Field(default=[], max_length=len(Status), description="Default: any.")
    kind: list[Kind] = Field(default=[], max_length=len(Kind), description="Default: any.")
    owner: Annotated[StrictStr, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_is_group)] | None = Field(
        default=None, description="Default: anybody."
    )
    since: Time | None = Field(default=None, description="Created at this time or later.")
    until: Time | None = Field(default=None, description="Created before this time.")
    dead: bool = Field(
        default=False, strict=True, description="Only dead ones: they failed permanently after retryable errors."
    )

    @field_validator("q")
    @classmethod
    def _q_is_text(cls, text: str) -> str:
        return _is_group(text).strip()

    def as_filter(self) -> JobFilter:
        return JobFilter(
            text=self.q,
            statuses=frozenset(self.status),
            kinds=frozenset(self.kind),
            owner=self.owner,
            since=self.since,
            until=self.until,
            dead=self.dead,
        )


class NewAction(Body):
    """A command for all jobs that match now."""

    action: BulkCommand = Field(
        description="`retry`: queues ended jobs again, behind all others; `cancel`: cancels those that have not ended;"
        " `delete`: deletes dead ones."
    )
    filter: FilterBody
    expected: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] = Field(
        description="How many jobs the operator has seen: if more match, nothing is done."
    )


class PauseQueue(Body):
    """Why a queue is paused."""

    reason: Annotated[StrictStr, Field(min_length=1, max_length=200), AfterValidator(_is_group)] | None = Field(
        default=None, description="For others who wonder why jobs wait."
    )


class PartToSign(Body):
    """A part that will be sent. `crc32`: the CRC-32 of its bytes, in lower-case hex."""

    number: PartNumber
    crc32: Crc32


class CompleteUpload(Body):
    """Parts that were sent, and were not reported yet."""

    sent: list[PartNumber] = Field(
        default=[], max_length=MAX_PARTS, description="Numbers of parts that the store has accepted."
    )


class SendParts(Body):
    """Parts to sign URLs for, parts that were sent with earlier ones, or both."""

    sign: list[PartToSign] = Field(default=[], max_length=MAX_SIGNED)
    sent: list[PartNumber] = Field(
        default=[], max_length=MAX_PARTS, description="Numbers of parts that the store has accepted."
    )

    @model_validator(mode="after")
    def _names_parts(self) -> Self:
        if not self.sign and not self.sent:
            msg = "name at least one part, in sign or in sent"
            raise ValueError(msg)
        return self

    @staticmethod
    def repeated(raw: Any) -> list[tuple[str, str]]:
        """Every place in `sign` at which a number is repeated, with the problem. `raw` may be invalid otherwise."""
        items = raw.get("sign") if isinstance(raw, dict) else None
        numbers = [item.get("number") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
        return [
            (f"sign[{place}].number", f"{number} is repeated")
            for place, number in enumerate(numbers)
            if type(number) is int and number in numbers[:place]
        ]


class NewWebhook(Body):
    """A webhook to create."""

    url: Annotated[StrictStr, Field(min_length=1, max_length=2_048)] = Field(
        description="Where messages are sent to, by `POST`. `http://` is for hosts that are not public only.",
        examples=["https://hooks.example.com/haulage"],
    )
    events: list[EventName] | None = Field(
        default=None, min_length=1, max_length=10, description="Types of messages to send; null: all that there are."
    )
    description: Annotated[StrictStr, Field(max_length=200)] = Field(default="", description="What it is for.")
    operators: bool = Field(
        default=False, description="Be told of notices instead of the own jobs. For operators and admins only."
    )

    @model_validator(mode="after")
    def _events_fit(self) -> Self:
        possible = OF_OPERATORS if self.operators else OF_JOBS
        if self.events is not None and not set(self.events) <= set(possible):
            msg = f"events of a webhook {'of operators' if self.operators else 'of jobs'} are {', '.join(possible)}"
            raise ValueError(msg)
        return self


class Replay(Body):
    """Which messages are to be sent again."""

    since: AwareDatetime = Field(description="Those that were created at this time or later,")
    until: AwareDatetime = Field(description="and before this one.")
    only_failed: bool = Field(default=True, description="Those that were given up; or all of them.")
