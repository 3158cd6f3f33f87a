"""Settings: one typed, frozen model, built once at the edge and passed down. Nothing else reads the environment.

`Settings` consists of groups by subject. A module declares the group that it needs, as in `settings: StorageSettings`, and
gets the whole `Settings`: the type checker holds it to its group, while names and environment variables stay flat.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_origin
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    DirectoryPath,
    Field,
    FilePath,
    RedisDsn,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from jobs import addresses
from jobs.cores import usable_cores
from jobs.database_url import parse_database_url
from jobs.kinds import Kind
from jobs.owners import NAMESPACES, issuer_name
from jobs.plans import Limit, PlanChange, PlanName, parse_plans

MIB = 1 << 20
GIB = 1 << 30
DAY = 24 * 3600
CENTURY = 100 * 365 * DAY
SOURCE_PART_SIZE = 5 * MIB
"""Bytes of the parts in which a URL is fetched: the smallest that S3 accepts, so that breaks lose little."""
MAX_SOURCE_SIZE = 10_000 * SOURCE_PART_SIZE
"""Bytes of the largest file that can be fetched: a multipart upload has at most 10,000 parts."""

Seconds = Annotated[float, Field(gt=0, le=CENTURY, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0)]


def _has_certificates(file: Path) -> Path:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except OSError:  # also `ssl.SSLError`
        msg = "the file has no certificates in PEM format"
        raise ValueError(msg) from None
    return file


def _each(normalised: Callable[[str], str]) -> AfterValidator:
    """Normalises the items of a list. An item `*`, which stands for all, leaves no other."""

    def validate(items: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(normalised(item) for item in items))
        return ("*",) if "*" in found else found

    return AfterValidator(validate)


def _issuer(item: object) -> object:
    """An issuer and the URL of its keys, from `issuer` or `issuer=url`."""
    if not isinstance(item, str):
        return item
    name, _, url = item.partition("=")
    return addresses.issuer(name), url or None


# `NoDecode`: the environment has them as text, not as JSON.
Hosts = Annotated[tuple[str, ...], NoDecode, _each(addresses.host_pattern)]
Origins = Annotated[tuple[str, ...], NoDecode, _each(addresses.origin_pattern)]
Networks = Annotated[tuple[str, ...], NoDecode, _each(addresses.network)]
Destinations = Annotated[tuple[str, ...], NoDecode, _each(addresses.destination)]
Sentinels = Annotated[tuple[str, ...], NoDecode, _each(addresses.sentinel)]
MailAddresses = Annotated[tuple[str, ...], NoDecode, _each(addresses.mail_address)]
ListenAddresses = Annotated[tuple[str, ...], NoDecode, Field(min_length=1), _each(addresses.listen_address)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]
Names = Annotated[tuple[str, ...], NoDecode]
Kinds = Annotated[tuple[Kind, ...], NoDecode, Field(min_length=1)]
Issuers = Annotated[tuple[Annotated[tuple[str, str | None], BeforeValidator(_issuer)], ...], NoDecode]
"""Pairs of an issuer and the URL of its keys, None if that is found by discovery."""
CaFile = Annotated[FilePath, AfterValidator(_has_certificates)]
StoreUrl = Annotated[str, AfterValidator(addresses.store_url)]
QueueName = Literal["redis", "postgres"]
SandboxName = Literal["auto", "bubblewrap", "landlock", "off"]
PlanChanges = Annotated[dict[PlanName, PlanChange], NoDecode, BeforeValidator(parse_plans)]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True)


class DatabaseSettings(_Group):
    """PostgreSQL."""

    database_url: str = Field(
        description="PostgreSQL, as `postgresql://user:password@host:port/name`, with parameters of libpq: see "
        "[operations.md](operations.md#postgresql)."
    )
    database_timeout: Seconds = Field(
        default=10, description="Time-out of a statement, and of the wait for a connection."
    )
    database_pool_size: int = Field(default=10, ge=2, description="Maximum connections to PostgreSQL per process.")
    database_replica_url: str | None = Field(
        default=None,
        description="A standby of the same cluster, in the form of `DATABASE_URL`, from which lists, histories and "
        "searches are read while it is recent enough. See [operations.md](operations.md#read-replica).",
    )
    replica_max_lag: Seconds = Field(
        default=1,
        description="Longest time that such a read waits until the replica has what the primary had when the read began. "
        "Then the primary is read.",
    )

    @field_validator("database_url", "database_replica_url")
    @classmethod
    def _database_is_supported(cls, url: str | None) -> str | None:
        if url is not None:
            parse_database_url(url)
        return url

    @field_validator("database_replica_url")
    @classmethod
    def _replica_is_one_server(cls, url: str | None) -> str | None:
        """Of several, one could be read whose position in the log was not checked."""
        if url is not None and len(parse_database_url(url).hosts) > 1:
            raise ValueError("must have one host, since a read must reach the server whose lag was checked: name one")
        return url


_REDIS_PORT = 6379
"""Which `RedisDsn` adds to a URL without a port."""
_REDIS_PARAMETERS = frozenset({"db", "client_name"})
_REDIS_TLS_PARAMETERS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)


class RedisSettings(_Group):
    """Redis or Valkey."""

    queue: QueueName = Field(
        default="redis",
        description="What carries wake-ups and live messages. With `postgres` it is PostgreSQL, and no Redis is needed: "
        "see [operations.md](operations.md#without-redis).",
    )
    redis_url: RedisDsn | None = Field(
        default=None,
        validate_default=True,
        description="Redis or Valkey, as `redis://[user:password@]host:port/db`, or `rediss://` for TLS. Required with "
        "`QUEUE=redis`, and not read with `QUEUE=postgres`.",
    )
    redis_ca_file: CaFile | None = Field(
        default=None,
        description="PEM file of CAs to trust for `rediss://`, besides those of the operating system.",
    )
    redis_timeout: Seconds = Field(default=5, description="Time-out of a call to Redis.")
    redis_sentinels: Sentinels = Field(
        default=(),
        description="Redis Sentinels that name the server to use, comma-separated, as `sentinel-1:26379,sentinel-2:26379`. "
        "`REDIS_URL` then has the name of the master instead of a host. See "
        "[operations.md](operations.md#redis-sentinel).",
    )
    redis_sentinel_master: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name under which the sentinels monitor the master, as in `sentinel monitor`.",
    )
    redis_sentinel_username: str | None = Field(
        default=None, min_length=1, description="User of the sentinels; none for their default user."
    )
    redis_sentinel_password: SecretStr | None = Field(
        default=None, min_length=1, description="Password of the sentinels, if they have one."
    )

    @field_validator("redis_url", mode="before")
    @classmethod
    def _redis_is_needed(cls, url: object, info: ValidationInfo) -> object:
        if info.data.get("queue") != "redis":
            return None
        if url is None:
            raise PydanticCustomError("missing", "Field required")
        return url

    @field_validator("redis_url")
    @classmethod
    def _redis_is_supported(cls, url: RedisDsn | None) -> RedisDsn | None:
        if url is None:
            return None
        if re.fullmatch(r"(?:/[0-9]*)?", url.path or "") is None:
            # The client would use database 0 instead of any other text.
            msg = "must end with the number of a database, as in redis://host:6379/0"
            raise ValueError(msg)
        known = _REDIS_PARAMETERS | (_REDIS_TLS_PARAMETERS if url.scheme == "rediss" else frozenset())
        for name, _ in url.query_params():
            if name not in known:
                hint = "use rediss:// or remove it" if name in _REDIS_TLS_PARAMETERS else "remove it"
                msg = f"the parameter {name!r} is not supported: {hint}"
                raise ValueError(msg)
        return url

    @model_validator(mode="after")
    def _has_one_source_of_the_server(self) -> Self:
        if self.redis_url is None:
            return self
        master, password = self.redis_sentinel_master, self.redis_sentinel_password
        if bool(self.redis_sentinels) != (master is not None):
            msg = "REDIS_SENTINELS and REDIS_SENTINEL_MASTER must be set together"
            raise ValueError(msg)
        if not self.redis_sentinels and (self.redis_sentinel_username or password):
            msg = "REDIS_SENTINEL_USERNAME and …_PASSWORD need REDIS_SENTINELS; those of Redis are in REDIS_URL"
            raise ValueError(msg)
        if self.redis_sentinel_username and not password:
            msg = "REDIS_SENTINEL_USERNAME needs REDIS_SENTINEL_PASSWORD"
            raise ValueError(msg)
        host, port = self.redis_url.host or "", self.redis_url.port
        if master is not None and (host.lower() != master.lower() or port not in {None, _REDIS_PORT}):
            msg = (
                f"REDIS_URL names the server {host}:{port}, but REDIS_SENTINELS choose it: write the name of the master "
                f"instead, as in {self.redis_url.scheme}://:password@{master}/0, or remove REDIS_SENTINELS"
            )
            raise ValueError(msg)
        return self

    @property
    def required_redis_url(self) -> RedisDsn:
        """`redis_url`, which is set with `QUEUE=redis`."""
        assert self.redis_url is not None
        return self.redis_url

    @property
    def redis_sentinel_addresses(self) -> tuple[tuple[str, int], ...]:
        """Hosts and ports of the sentinels, IPv6 addresses without brackets."""
        pairs = (address.rpartition(":") for address in self.redis_sentinels)
        return tuple((host.strip("[]"), int(port)) for host, _, port in pairs)


class StorageSettings(_Group):
    """The S3 store, and the transfers from and to it."""

    s3_endpoint: StoreUrl = Field(description="URL of the S3 store for the gateway and the workers.")
    s3_public_endpoint: StoreUrl | None = Field(
        default=None,
        description="URL of the S3 store for browsers, used in presigned links; defaults to `S3_ENDPOINT`.",
    )
    s3_access_key_id: str = Field(min_length=1, description="Access key of the store.")
    s3_secret_access_key: SecretStr = Field(description="Secret key of the store.")
    s3_bucket_name: Annotated[str, AfterValidator(addresses.bucket_name)] = Field(
        default="haulage", description="Bucket of the files and bundles."
    )
    s3_region: str = Field(default="us-east-1", min_length=1, description="Region to sign requests for.")
    s3_ca_file: CaFile | None = Field(
        default=None,
        description="PEM file of CAs to trust for the store, besides those of the operating system.",
    )
    s3_force_path_style: bool = Field(
        default=True, description="Put the bucket's name in the path instead of the host name."
    )
    s3_key_template: str = Field(
        default="{file_id}.zip",
        description="Object key of a `file_id` that is not in the catalogue.",
    )
    s3_part_copy: Literal["auto", "never"] = Field(
        default="auto",
        description="`auto` lets the store copy large files into bundles itself, if it can; with `never` workers read "
        "every byte.",
    )
    s3_encryption: Literal["on", "off"] = Field(
        default="on",
        description="With `on`, `haulage migrate --create-bucket` and `haulage up` let the store encrypt new objects by "
        "default (SSE-S3), unless the bucket has a default already. See [operations.md](operations.md#encryption-at-rest).",
    )
    cold_storage_class: Annotated[str, Field(pattern=r"^[A-Z0-9_-]{1,64}$")] | None = Field(
        default=None,
        description="Storage class, such as `STANDARD_IA`, to which the store moves uploaded files after `COLD_AFTER`, by "
        "a lifecycle rule that `haulage migrate --create-bucket` sets.",
    )
    cold_after: Seconds = Field(
        default=30 * DAY, description="Age at which uploaded files are moved to `COLD_STORAGE_CLASS`, in whole days."
    )
    s3_connect_timeout: Seconds = Field(default=2, description="Time-out to connect to the store.")
    s3_idle_timeout: Seconds = Field(default=15, description="Longest time without a byte in a call to the store.")
    s3_complete_timeout: Seconds = Field(default=120, description="Time-out to complete a multipart upload.")
    part_size: Bytes = Field(
        default=8 * MIB,
        ge=5 * MIB,
        le=5 * GIB,
        description="Minimum size of a multipart part; it grows with the bundle.",
    )
    read_concurrency: int = Field(
        default=64, ge=1, description="Concurrent reads from the store per worker, over all its jobs."
    )
    worker_memory_budget: Bytes = Field(
        default=32 * MIB,
        ge=16 * MIB,
        description="Bytes of parts that a worker process keeps in memory, over all its jobs. 10,000 parts of this size "
        "are the largest bundle; a compressed one reaches less than half of that.",
    )

    @field_validator("s3_key_template")
    @classmethod
    def _makes_valid_keys(cls, template: str) -> str:
        """No call to the store accepts keys of any other form (`jobs.storage.objects`)."""
        if re.fullmatch(r"[^{}]*\{file_id\}[^{}]*", template) is None:
            msg = "must contain {file_id} once, and no other braces"
            raise ValueError(msg)
        if {"", ".", ".."} & set(template.split("/")):
            msg = "must not start or end with a slash, and must have no empty, . or .. between slashes"
            raise ValueError(msg)
        return template

    @field_validator("cold_storage_class")
    @classmethod
    def _can_be_read_at_once(cls, name: str | None) -> str | None:
        if name in {"GLACIER", "DEEP_ARCHIVE"}:
            msg = "objects of this class have to be restored before they can be read, so downloads would fail: use another"
            raise ValueError(msg)
        return name

    @model_validator(mode="after")
    def _part_fits_into_memory(self) -> Self:
        if self.part_size > self.worker_memory_budget:
            msg = f"PART_SIZE ({self.part_size}) must not exceed WORKER_MEMORY_BUDGET ({self.worker_memory_budget})"
            raise ValueError(msg)
        return self


class GatewaySettings(_Group):
    """The HTTP gateway."""

    host: ListenAddresses = Field(
        default=("127.0.0.1",),
        description="Addresses to listen on, comma-separated; `::` is every address of IPv6 and IPv4. Where others than "
        "this machine reach them, set `AUTH_MODE` to `required`.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 chooses a free one.")
    public_url: Annotated[str, AfterValidator(addresses.public_url)] | None = Field(
        default=None,
        description="URL at which clients reach the gateway, as `https://site.example/haulage`. Its host is accepted "
        "beside `ALLOWED_HOSTS`, and its pages may open WebSockets whatever `Host` a proxy sends.",
    )
    root_path: Annotated[str, AfterValidator(addresses.root_path)] = Field(
        default="",
        validate_default=True,
        description="Path below which clients reach the gateway, as `/haulage`, whether or not a proxy removes it from "
        "requests; defaults to the path of `PUBLIC_URL`.",
    )
    allowed_hosts: Hosts = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="Accepted `Host` headers on any port, comma-separated; `*.site.example` accepts every name below "
        "it, `*` accepts all. Health is reported under every name.",
    )
    cors_origins: Origins = Field(
        default=(),
        description="Origins of other sites whose pages may call the API, comma-separated, as `https://site.example`; "
        "`https://*.site.example` accepts every name below it, `*` accepts all.",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="IP addresses and networks of proxies whose `X-Forwarded-For` is trusted, comma-separated; `*` "
        "trusts all.",
    )
    max_followers: int = Field(
        default=10_000, ge=1, description="Maximum open streams and long-polls per gateway process."
    )
    max_followers_per_client: int = Field(
        default=256, ge=1, description="Maximum open streams and long-polls per client address and gateway process."
    )
    max_connections: int = Field(
        default=12_000,
        ge=1,
        description="Maximum open TCP connections per gateway process. It is lowered if the hard limit of file descriptors "
        "(`ulimit -Hn`) is less than 256 above it.",
    )
    max_connections_per_client: int = Field(
        default=512,
        ge=1,
        description="Maximum open TCP connections per client address (IPv6: per /64 network) and gateway process. "
        "Behind `TRUSTED_PROXIES`, maximum concurrent requests per forwarded address.",
    )
    limit_loopback: bool = Field(
        default=False,
        description="Whether `MAX_CONNECTIONS_PER_CLIENT` also limits connections from this machine, "
        "such as those of load tests.",
    )
    head_timeout: Seconds = Field(
        default=15,
        description="Time for the head of a request to arrive, from its first byte or the connection's start.",
    )
    body_timeout: Seconds = Field(
        default=60, description="Time for the body of a request to arrive, from the end of its head."
    )
    keep_alive: Seconds = Field(
        default=185,
        description="How long a connection without a request is kept open. It must be longer than a proxy keeps its own "
        "connections to the gateway, or requests fail with 502 now and then.",
    )
    max_body_bytes: Bytes = Field(default=MIB, description="Maximum size of a request body.")
    request_timeout: Seconds = Field(default=135, description="Time-out of a request, except streams.")
    start_wait: Seconds = Field(
        default=120, description="Longest time that `POST /v1/download/start` waits for its file."
    )
    stream_drain: Seconds = Field(default=5, description="Period over which streams are closed before a shutdown.")
    shutdown_timeout: Seconds = Field(default=10, description="Time for open requests to finish at shutdown.")

    @field_validator("root_path")
    @classmethod
    def _is_that_of_the_public_url(cls, root_path: str, info: ValidationInfo) -> str:
        path = urlsplit(info.data.get("public_url") or "").path
        if path and root_path and path != root_path:
            msg = f"is {root_path}, but PUBLIC_URL has the path {path}: leave out ROOT_PATH"
            raise ValueError(msg)
        return root_path or path


class AccessSettings(_Group):
    """Who may do what."""

    auth_mode: Literal["open", "required"] = Field(
        default="open",
        description="`open`: every caller is `anonymous` and may do everything. `required`: every request must prove who "
        "it comes from, and users see their own jobs and the files that they may read. See [security.md](security.md).",
    )
    anonymous: Literal["none", "read"] = Field(
        default="none",
        description="What callers without any credential may do when `AUTH_MODE` is `required`: nothing (`none`), or list "
        "and check public files (`read`).",
    )
    template_files: Literal["operators", "users"] = Field(
        default="operators",
        description="Who may request a `file_id` that is not in the catalogue (`S3_KEY_TEMPLATE`) when `AUTH_MODE` is "
        "`required`: only operators and admins, or every user.",
    )
    session_idle: Seconds = Field(default=12 * 3600, description="How long a session lasts without a request.")
    session_lifetime: Seconds = Field(default=7 * DAY, description="How long a session lasts at most.")


class TokenSettings(_Group):
    """Whose tokens are accepted, and what the groups of users stand for."""

    jwt_issuers: Issuers = Field(
        default=(),
        description="Issuers whose signed JWTs are accepted as bearer tokens, comma-separated: the URLs in their `iss`. "
        "Their keys are found by discovery, or at the URL that follows, as in "
        "`https://id.example=https://id.example/keys.json`.",
    )
    jwt_audience: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)] = Field(
        default=("haulage",), description="Values of `aud`, comma-separated, of which a token must have one."
    )
    jwt_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Secret of at least 32 characters with which `JWT_SECRET_ISSUER` signs tokens (HS256).",
    )
    jwt_secret_issuer: str | None = Field(
        default=None,
        pattern=r"^[^|\s]+$",
        description="The `iss` of tokens that are signed with `JWT_SECRET`. No other key verifies them.",
    )
    issuer_ca_file: CaFile | None = Field(
        default=None,
        description="PEM file of CAs to trust for issuers, besides those of the operating system.",
    )
    admin_groups: Names = Field(
        default=(), description="Groups of tokens, sign-in and proxy headers whose members are admins, comma-separated."
    )
    operator_groups: Names = Field(
        default=(), description="Groups whose members are operators: they see all jobs, and may cancel and retry them."
    )
    support_groups: Names = Field(default=(), description="Groups whose members see all jobs, and change none.")

    oidc_issuer: Annotated[str, AfterValidator(addresses.issuer)] | None = Field(
        default=None,
        description="Issuer at which users of the page sign in (OpenID Connect). The redirect URI to register there is "
        "`PUBLIC_URL` with `/sign-in/oidc/callback` after it.",
    )
    oidc_client_id: str | None = Field(default=None, min_length=1, description="Client id that the issuer has given.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, min_length=1, description="Client secret that the issuer has given; none for a public client."
    )
    oidc_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=60,
        description="What the button of the page calls it: `Sign in with …`. Default: the host of `OIDC_ISSUER`.",
    )
    oidc_scope: str = Field(
        default="openid profile email", description="Scopes to request at sign-in; some issuers need one for `groups`."
    )
    auth_proxy_user: HeaderName | None = Field(
        default=None,
        description="Header in which a reverse proxy names the user that it has signed in, such as `Remote-User`. It is "
        "believed only from `TRUSTED_PROXIES` and together with `AUTH_PROXY_SECRET`.",
    )
    auth_proxy_groups: HeaderName | None = Field(
        default=None, description="Header in which it names the groups of the user, such as `Remote-Groups`."
    )
    auth_proxy_secret: SecretStr | None = Field(
        default=None,
        min_length=32,
        description="Secret of at least 32 characters that the proxy sends in the header `X-Auth-Proxy-Secret`.",
    )

    @model_validator(mode="after")
    def _secret_has_one_issuer(self) -> Self:
        if (self.jwt_secret is None) != (self.jwt_secret_issuer is None):
            msg = "JWT_SECRET and JWT_SECRET_ISSUER must be set together"
            raise ValueError(msg)
        if self.jwt_secret_issuer in dict(self.jwt_issuers):
            msg = "JWT_SECRET_ISSUER must not be one of JWT_ISSUERS, whose tokens are verified with public keys"
            raise ValueError(msg)
        return self

    @property
    def oidc_display_name(self) -> str | None:
        """What the page calls the provider at which its users sign in; None without one."""
        return None if self.oidc_issuer is None else self.oidc_name or urlsplit(self.oidc_issuer).hostname

    @model_validator(mode="after")
    def _issuers_have_owners_of_their_own(self) -> Self:
        named = {*dict(self.jwt_issuers), self.jwt_secret_issuer, self.oidc_issuer} - {None}
        issuers: dict[str, str] = {}
        for issuer in sorted(name for name in named if name is not None):
            name = issuer_name(issuer)
            if name in issuers:
                msg = (
                    f"the issuers {issuers[name]} and {issuer} cannot both be set: their users would be the same owners"
                )
                raise ValueError(msg)
            if name.startswith(NAMESPACES):
                msg = f"no issuer can be called {issuer}: owners of the jobs of apps are"
                raise ValueError(msg)
            issuers[name] = issuer
        return self


class LimitSettings(_Group):
    """How much each user may do, with `AUTH_MODE=required`."""

    jobs_per_hour: Limit = Field(
        default=10,
        description="Downloads that each user may start in an hour, unless a plan says otherwise; 0: any number. "
        "See [security.md](security.md#how-much).",
    )
    plans: PlanChanges = Field(
        default={},
        description="Plans to change or to add, as JSON: "
        '`{"premium": {"jobs_per_hour": 200}, "lab": {"jobs_per_hour": 0, "groups": ["lab"]}}`. '
        "Each may have `jobs_per_hour`, `running_jobs`, `requests_per_hour`, `streams` (0: no limit) and `groups`, whose "
        "members have the plan. See [security.md](security.md#how-much).",
    )
    reads_per_second: float = Field(
        default=20,
        gt=0,
        le=1_000_000,
        allow_inf_nan=False,
        description="Requests about a single job, such as polls, that each user may send in a second to a gateway "
        "process, over time.",
    )
    reads_burst: int = Field(default=100, ge=1, description="How many of them may come at once.")
    failed_attempts_per_minute: int = Field(
        default=20,
        ge=1,
        description="Requests in a minute from a client address (IPv6: a /64 network) whose credential may turn out to be "
        "invalid, for each gateway process. Then 429 is returned without a query.",
    )


class JobSettings(_Group):
    """Jobs of every kind."""

    job_timeout: Seconds = Field(
        default=130,
        description="Time-out of an attempt; of one at an upload, how long it may read no byte, apart from the time that "
        "clamd takes.",
    )
    file_timeout: Seconds = Field(default=60, description="Longest time without progress of a file.")
    max_attempts: int = Field(default=3, ge=1, description="Attempts before a job fails permanently.")
    backoff_base: Seconds = Field(
        default=1, description="Longest delay before the second attempt; it doubles with each further one."
    )
    backoff_max: Seconds = Field(default=60, description="Longest delay before any attempt.")
    job_deadline: Seconds = Field(
        default=DAY, description="How long a job waits for its next attempt while a dependency is unavailable."
    )
    max_queued: int = Field(
        default=10_000,
        ge=1,
        description="Maximum number of queued jobs of a kind; beyond it, new jobs are rejected. Batch jobs count apart.",
    )
    result_grace: Seconds = Field(
        default=3600, description="How long the object of an expired result is kept for downloads in progress."
    )
    job_retention: Seconds = Field(default=30 * DAY, description="How long a job is kept after its end.")


class BundleSettings(_Group):
    """Bundles and their links."""

    bundle_ttl: Seconds = Field(default=DAY, description="How long a bundle can be downloaded.")
    link_ttl: Annotated[float, Field(gt=0, le=7 * DAY, allow_inf_nan=False)] = Field(
        default=3600, description="Lifetime of a presigned link, never longer than its bundle's."
    )
    bundle_reuse: bool = Field(
        default=True,
        description="Complete a job with the existing bundle of another job, if their contents are the same.",
    )
    retry_window: Seconds = Field(
        default=DAY, description="How long the uploaded parts of a failed job are kept, so that a retry can resume."
    )


class ScanSettings(_Group):
    """The virus scan of uploads."""

    clamd_url: Annotated[str, AfterValidator(addresses.clamd_url)] | None = Field(
        default=None,
        description="clamd, as `unix:///run/clamav/clamd.ctl` or `tcp://host:3310`, which scans every upload before "
        "anybody can read it. Without it, uploads are not scanned. See [uploads.md](uploads.md#virus-scan).",
    )
    clamd_idle_timeout: Seconds = Field(
        default=30, description="Longest time for clamd to accept a connection, or the next bytes of a file."
    )
    clamd_timeout: Seconds = Field(
        default=300,
        description="Longest time that clamd may take for a file. It must exceed `MaxScanTime` in `clamd.conf`.",
    )
    unscannable: Literal["refuse", "allow"] = Field(
        default="refuse",
        description="What becomes of a file that exceeds a limit of clamd, so that it was not scanned whole.",
    )


class UploadSettings(_Group):
    """Uploads."""

    max_upload_size: Annotated[int, Field(ge=1, le=10_000 * 5 * GIB)] = Field(
        default=1024 * GIB, description="Maximum size of an uploaded file."
    )
    max_open_uploads: int = Field(
        default=300, ge=1, description="Maximum number of uploads of one user that are being sent."
    )
    upload_bytes_per_day: Annotated[int, Field(ge=0)] = Field(
        default=0, description="Maximum bytes that one user may upload within 24 hours; 0 for any number."
    )
    upload_window: Seconds = Field(
        default=DAY, description="How long an upload waits for its next part, before it is cancelled."
    )
    intake_memory_budget: Annotated[int, Field(ge=16 * MIB)] = Field(
        default=64 * MIB,
        description="Memory for the parts of files that clients send to an intake process. It bounds the process: streams "
        "wait for each other.",
    )
    upload_visibility: Literal["private", "public"] = Field(
        default="private",
        description="Who may read uploaded files, unless the request says so: their owners, or every user.",
    )
    quarantine: Seconds = Field(
        default=7 * DAY,
        description="How long an infected upload is kept, out of everybody's reach, before it is removed.",
    )
    raw_retention: Annotated[float, Field(ge=0, le=CENTURY, allow_inf_nan=False)] = Field(
        default=365 * DAY,
        description="How long an uploaded file is kept; 0 for ever. Files that were added in other ways stay.",
    )


class IntakeSettings(_Group):
    """The intake."""

    intake_port: int = Field(
        default=8081,
        ge=0,
        le=65535,
        description="Port on which `haulage intake` listens, at the addresses of `HOST`; 0 chooses a free one.",
    )
    intake_url: Annotated[str, AfterValidator(addresses.public_url)] | None = Field(
        default=None,
        description="URL at which clients reach the intake, to which the gateway redirects `POST /upload`. Not needed "
        "behind a proxy that sends these requests to the intake. See [uploads.md](uploads.md#forms).",
    )
    max_form_bytes: Bytes = Field(
        default=5 * GIB, description="Maximum size of the body of a form (`multipart/form-data`) with a file."
    )


class ProcessingSettings(_Group):
    """Processing of uploaded files."""

    processing: Literal["on", "off"] = Field(
        default="on",
        description="With `on`, thumbnails and other files are made of uploaded images, PDFs and videos. See "
        "[processing.md](processing.md).",
    )
    image_timeout: Seconds = Field(default=60, description="Longest time for a child process to decode an image.")
    pdf_timeout: Seconds = Field(default=120, description="Longest time for a child process to decode a PDF.")
    video_timeout: Seconds = Field(default=3600, description="Longest time for a child process to convert a video.")
    sandbox: SandboxName = Field(
        default="auto",
        description="What confines decoders: `auto` is bubblewrap, or else Landlock; where neither works, no file is "
        "processed. With `off`, a file that exploits a decoder has all rights of the worker.",
    )
    scratch_dir: DirectoryPath | None = Field(
        default=None,
        description="Folder for files that are being processed; defaults to that of the system for temporary files.",
    )
    scratch_bytes: Bytes = Field(
        default=4 * GIB, description="Bytes that all files which a worker process is processing may take there."
    )
    processing_slots: int = Field(
        default_factory=usable_cores,
        ge=1,
        description="Images that a worker process processes at once, and PDFs likewise.",
    )
    ffmpeg: str = Field(
        default="",
        description="The ffmpeg program, which converts videos: a path, or a name in `PATH`. By default that of `PATH`, or "
        "else that of the package imageio-ffmpeg (`haulage[media]`).",
    )
    video_slots: int = Field(default=1, ge=1, description="Videos that a worker process processes at once.")


class WorkerSettings(_Group):
    """The workers."""

    worker_kinds: Kinds = Field(
        default=tuple(Kind),
        description="Kinds of jobs that this worker runs, comma-separated. All of them together should run every kind. See "
        "[operations.md](operations.md#workers-by-kind).",
    )
    worker_concurrency: int = Field(
        default=4, ge=1, description="Downloads that a worker process runs at once, and uploads likewise."
    )
    drain_timeout: Annotated[float, Field(ge=0, le=CENTURY, allow_inf_nan=False)] = Field(
        default=25, description="Time for running jobs to finish at shutdown, before they go back to the queue."
    )
    lease_ttl: Seconds = Field(default=10, description="How long a silent worker keeps its jobs.")
    heartbeat_interval: Seconds = Field(default=2, description="Interval at which a worker renews its leases.")
    heartbeat_timeout: Seconds = Field(default=2, description="Time-out of the statement that renews the leases.")
    sweep_interval: Seconds = Field(
        default=2,
        description="Longest interval between checks for lost leases and wake-ups, expired results and leftover objects.",
    )
    wake_grace: Seconds = Field(
        default=3,
        description="How long after it became due a job counts as not notified, so that another worker checks it.",
    )

    @model_validator(mode="after")
    def _heartbeat_fits_into_lease(self) -> Self:
        if self.lease_ttl <= self.heartbeat_interval + self.heartbeat_timeout:
            msg = "LEASE_TTL must exceed HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT, or leases expire before their renewal"
            raise ValueError(msg)
        return self


class EgressSettings(_Group):
    """Requests to URLs that users name."""

    egress_allow: Destinations = Field(
        default=(),
        description="Hosts and networks that are not public and may still be reached, comma-separated, as "
        "`10.2.0.0/16,minio.internal,*.corp.example`.",
    )
    egress_proxy: Annotated[str, AfterValidator(addresses.proxy_url)] | None = Field(
        default=None,
        description="HTTP proxy for these requests, as `http://user:password@proxy.internal:3128`. It looks up the names "
        "of hosts, so that it has to refuse those that lead inside; addresses are refused here.",
    )


class SourceSettings(_Group):
    """Files that are fetched from URLs. See [urls.md](urls.md)."""

    url_sources: Literal["off", "on"] = Field(
        default="off",
        description="Whether downloads may contain URLs, which workers then fetch. Every user who may start downloads can "
        "let them send requests to any public host.",
    )
    source_max_size: Annotated[int, Field(gt=0, le=MAX_SOURCE_SIZE)] = Field(
        default=5 * GIB, description=f"Size of the largest file that is fetched from a URL, at most {MAX_SOURCE_SIZE}."
    )
    source_connections: int = Field(
        default=2, ge=1, description="Most URLs of one host that a worker process fetches at once."
    )
    source_min_rate: Annotated[int, Field(ge=0)] = Field(
        default=64 * 1024,
        description="Least bytes per second, over `SOURCE_TIMEOUT` seconds: a host that sends fewer counts as too slow. "
        "With much less, no attempt of `JOB_TIMEOUT` may receive a part of 5.2 MB, from which the next one continues.",
    )
    source_timeout: Seconds = Field(
        default=30, description="How long a host may send nothing, and the time over which its rate is measured."
    )


class MailSettings(_Group):
    """Mail to operators. See [operations.md](operations.md#mail)."""

    smtp_url: Annotated[str, AfterValidator(addresses.smtp_url)] | None = Field(
        default=None,
        description="SMTP server by which notices are mailed, as `smtp://user:password@mail.example:587`, or "
        "`smtps://user:password@mail.example:465` for TLS from the first byte. It needs `MAIL_FROM`, `MAIL_TO` and "
        "`PUBLIC_URL`.",
    )
    smtp_starttls: Literal["required", "auto", "off"] = Field(
        default="required",
        description="Whether a connection of `smtp://` becomes TLS: always, or else no mail is sent; where the server "
        "offers it; or never. With a password, and another host than this one, it must be `required`.",
    )
    smtp_ca_file: CaFile | None = Field(
        default=None, description="PEM file of CAs to trust for it, besides those of the operating system."
    )
    smtp_timeout: Seconds = Field(default=30, description="Longest time that sending a mail may take.")
    mail_from: Annotated[str, AfterValidator(addresses.mail_address)] | None = Field(
        default=None, description="Address that mails come from, as `haulage@site.example`."
    )
    mail_to: MailAddresses = Field(default=(), description="Addresses of operators, comma-separated.")

    @model_validator(mode="after")
    def _mail_is_complete(self) -> Self:
        if self.smtp_url is None:
            return self
        missing = [name for name in ("mail_from", "mail_to") if not getattr(self, name)]
        if missing:
            msg = f"SMTP_URL needs {' and '.join(name.upper() for name in missing)}, too"
            raise ValueError(msg)
        url = urlsplit(self.smtp_url)
        if (
            url.scheme == "smtp"
            and url.password
            and self.smtp_starttls != "required"
            and url.hostname not in {"localhost", "127.0.0.1", "::1"}
        ):
            msg = "SMTP_STARTTLS must be required, since SMTP_URL has a password, which anybody on the way could read"
            raise ValueError(msg)
        return self


class LogSettings(_Group):
    """Logs."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Minimum level to log.")
    log_format: Literal["json", "console"] = Field(
        default="json", description="`json` writes one object per line; `console` is for reading."
    )


class MetricsSettings(_Group):
    """Metrics for Prometheus. See [operations.md](operations.md#metrics)."""

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=0,
        description="Port on which each process serves `/metrics`, or, if it is in use, the first free one of the 99 after "
        "it; with 0 there are no metrics.",
    )
    metrics_host: Annotated[str, AfterValidator(addresses.listen_address)] = Field(
        default="127.0.0.1",
        description="Address for that. Nobody has to sign in there: let only Prometheus reach it.",
    )


CollectorUrl = Annotated[str, AfterValidator(addresses.collector_url)]


class TraceSettings(_Group):
    """Traces."""

    otel_exporter_otlp_endpoint: CollectorUrl | None = Field(
        default=None,
        description="URL of a collector that receives traces by OTLP over HTTP, at `/v1/traces` below it, such as "
        "`http://127.0.0.1:4318`. Without it, none are made. See [operations.md](operations.md#traces).",
    )
    otel_exporter_otlp_traces_endpoint: CollectorUrl | None = Field(
        default=None, description="The same for traces only, used as it is: `http://127.0.0.1:4318/v1/traces`."
    )
    otel_sdk_disabled: bool = Field(default=False, description="Whether to make no traces, whatever else is set.")
    otel_service_name: str = Field(default="haulage", min_length=1, description="Name of the service in traces.")
    otel_traces_sampler: Literal[
        "parentbased_traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "traceidratio",
        "always_on",
        "always_off",
    ] = Field(
        default="parentbased_traceidratio",
        description="Which jobs are traced. `parentbased_…` follows the request, if it brings a `traceparent`; others "
        "ignore its flag.",
    )
    otel_traces_sampler_arg: float = Field(
        default=0.01, ge=0, le=1, description="The share of jobs that `…traceidratio` traces."
    )
    trace_url: str | None = Field(
        default=None,
        description="URL of a trace, for operators, with `{traceId}` where its id belongs, such as "
        "`https://jaeger.example/trace/{traceId}`.",
    )

    @field_validator("trace_url")
    @classmethod
    def _names_the_trace(cls, url: str | None) -> str | None:
        if url is not None:
            if "{traceId}" not in url or set("{}") & set(url.replace("{traceId}", "")):
                msg = "must contain {traceId}, and no other braces"
                raise ValueError(msg)
            if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc:
                msg = "must be like https://jaeger.example/trace/{traceId}"
                raise ValueError(msg)
        return url

    def link_of_trace(self, trace_id: str | None) -> str | None:
        """The URL of a trace (`Job.trace_id`); None if there is no trace, or `TRACE_URL` is not set."""
        return None if trace_id is None or self.trace_url is None else self.trace_url.replace("{traceId}", trace_id)


class Settings(
    BaseSettings,
    DatabaseSettings,
    RedisSettings,
    StorageSettings,
    GatewaySettings,
    AccessSettings,
    TokenSettings,
    LimitSettings,
    JobSettings,
    BundleSettings,
    ScanSettings,
    UploadSettings,
    IntakeSettings,
    ProcessingSettings,
    WorkerSettings,
    EgressSettings,
    SourceSettings,
    MailSettings,
    LogSettings,
    MetricsSettings,
    TraceSettings,
):
    """All settings of an installation, each from the environment variable of the same name in capitals.

    Durations are seconds, sizes are bytes. Time-outs follow seed 003, "Timeout Configuration".
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        if (self.oidc_issuer is None) != (self.oidc_client_id is None):
            msg = "OIDC_ISSUER and OIDC_CLIENT_ID must be set together"
            raise ValueError(msg)
        if self.oidc_issuer is not None and self.public_url is None:
            msg = "OIDC_ISSUER needs PUBLIC_URL, to which the issuer sends users back"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _mails_have_links(self) -> Self:
        if self.smtp_url is not None and self.public_url is None:
            msg = "SMTP_URL needs PUBLIC_URL, which mails name and link to"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _names_the_proxy(self) -> Self:
        if self.auth_proxy_user is None:
            return self
        if self.auth_proxy_secret is None:
            msg = "AUTH_PROXY_USER needs AUTH_PROXY_SECRET, or anybody in the network could name a user"
            raise ValueError(msg)
        if not self.trusted_proxies or "*" in self.trusted_proxies:
            msg = "AUTH_PROXY_USER needs TRUSTED_PROXIES that name the proxy's address or network"
            raise ValueError(msg)
        return self

    @field_validator("*", mode="before")
    @classmethod
    def _cleaned(cls, value: Any, info: ValidationInfo) -> Any:
        """A text as it was meant: without the white space around it, as a line break at the end of a secret's file."""
        if not isinstance(value, str) or info.field_name is None:
            return value
        text = value.removeprefix("\ufeff").strip()
        if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
            msg = "is in quotes, which are part of the value here (`docker --env-file` keeps them): remove them"
            raise ValueError(msg)
        annotation = cls.model_fields[info.field_name].annotation
        if get_origin(annotation) is tuple:
            return tuple(item for item in re.split(r"[,\s]+", text) if item)
        if value and not text:
            msg = "is blank"
            raise ValueError(msg)
        if re.search(r"[\x00-\x1f\x7f]", text):
            msg = "contains a control character, such as a line break"
            raise ValueError(msg)
        return text.lower() if get_origin(annotation) is Literal else text
