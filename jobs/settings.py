"""Settings: one typed, frozen model, built once at the edge and passed down. Nothing else reads the environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, PostgresDsn, RedisDsn, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]

MIB = 1 << 20


class Settings(BaseSettings):
    """What an installation may set, each from the environment variable of the same name in capitals.

    Durations are seconds, sizes are bytes. Time-outs follow seed 003, "Timeout Configuration".
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Where the dependencies are
    database_url: PostgresDsn = Field(description="PostgreSQL, as `postgresql://user:password@host:port/name`.")
    redis_url: RedisDsn = Field(description="Redis or Valkey, as `redis://[:password@]host:port/db`.")
    s3_endpoint: str = Field(pattern=r"^https?://[^/]+$", description="The S3 store as gateway and workers reach it.")
    s3_public_endpoint: str | None = Field(
        default=None, pattern=r"^https?://[^/]+$", description="The S3 store as browsers reach it; in presigned links."
    )
    s3_access_key_id: str = Field(min_length=1, description="Access key of the store.")
    s3_secret_access_key: SecretStr = Field(description="Secret key of the store.")
    s3_bucket_name: str = Field(default="haulage", min_length=3, description="The bucket of files and bundles.")
    s3_region: str = Field(default="us-east-1", min_length=1, description="The region to sign for.")
    s3_force_path_style: bool = Field(default=True, description="Bucket in the path rather than in the host name.")
    s3_key_template: str = Field(
        default="{file_id}.zip",
        pattern=r"^[^{}]*\{file_id\}[^{}]*$",
        description="Where a `file_id` that is not in the catalogue is looked for.",
    )

    # The gateway
    host: str = Field(default="127.0.0.1", description="Address to listen on. There are no users yet: keep it private.")
    port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="Host names that requests may carry, comma-separated; `*` allows all.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Origins of foreign pages that may call the API, comma-separated."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="Addresses of proxies whose `X-Forwarded-For` is believed, comma-separated."
    )
    max_followers: int = Field(default=10_000, ge=1, description="Open streams and long-polls of one gateway process.")
    max_followers_per_client: int = Field(
        default=256, ge=1, description="Open streams and long-polls that one gateway process keeps for one address."
    )
    max_body_bytes: Bytes = Field(default=MIB, description="Largest request body.")
    request_timeout: Seconds = Field(default=135, description="Longest a request may take, streams excepted.")
    start_wait: Seconds = Field(default=120, description="Longest that `POST /v1/download/start` waits for its file.")
    stream_drain: Seconds = Field(default=5, description="Over how long streams are ended before a shutdown.")
    shutdown_timeout: Seconds = Field(default=10, description="How long open requests may finish at shutdown.")

    # Jobs
    job_timeout: Seconds = Field(default=130, description="Longest an attempt may take.")
    file_timeout: Seconds = Field(default=60, description="Longest that a file may make no progress.")
    max_attempts: int = Field(default=3, ge=1, description="Attempts before a job is failed.")
    backoff_base: Seconds = Field(
        default=1, description="Longest wait before the second attempt; doubles for each more."
    )
    backoff_max: Seconds = Field(default=60, description="Longest wait before an attempt.")
    job_deadline: Seconds = Field(
        default=24 * 3600, description="How long a job may wait for another attempt while a dependency is out."
    )
    retry_window: Seconds = Field(
        default=24 * 3600,
        description="How long the parts of a failed job's bundle are kept, for a retry to go on with.",
    )
    bundle_ttl: Seconds = Field(default=24 * 3600, description="How long a bundle can be fetched.")
    link_ttl: Annotated[float, Field(gt=0, le=7 * 24 * 3600)] = Field(
        default=3600, description="How long a presigned link lives, at most as long as its bundle."
    )
    bundle_grace: Seconds = Field(
        default=3600, description="How long an expired bundle's object stays for open downloads."
    )
    bundle_reuse: bool = Field(
        default=True, description="Answer a job with the bundle of another one that holds the very same."
    )
    max_queued: int = Field(
        default=10_000, ge=1, description="Queued jobs; with so many, new ones are refused until there is room."
    )
    job_retention: Seconds = Field(default=30 * 24 * 3600, description="How long an ended job's rows are kept.")

    # The worker
    worker_concurrency: int = Field(default=4, ge=1, description="Jobs that one worker process runs at once.")
    worker_memory_budget: Bytes = Field(
        default=32 * MIB,
        ge=16 * MIB,
        description="Bytes of parts that one worker process holds at once, over all its jobs. 10,000 parts of that size "
        "make the largest bundle, less than half of it a deflated one.",
    )
    part_size: Bytes = Field(default=8 * MIB, ge=5 * MIB, description="Smallest multipart part; grows with the bundle.")
    read_concurrency: int = Field(
        default=64, ge=1, description="Reads from the store that one worker has in flight, over all its jobs."
    )
    drain_timeout: Annotated[float, Field(ge=0)] = Field(
        default=25, description="How long running jobs may finish at shutdown before they are given back."
    )
    lease_ttl: Seconds = Field(default=10, description="How long a silent worker keeps its jobs.")
    heartbeat_interval: Seconds = Field(default=2, description="How often a worker renews its leases.")
    sweep_interval: Seconds = Field(
        default=2,
        description="Longest pause between two looks for lost leases and wake-ups, expired results and litter.",
    )
    wake_grace: Seconds = Field(default=3, description="How long after it was due a job counts as not woken.")

    s3_part_copy: Literal["auto", "never"] = Field(
        default="auto",
        description="Let the store copy large files into bundles by itself, where it can; `never`: read every byte.",
    )

    # Time-outs of the dependencies
    s3_connect_timeout: Seconds = Field(default=2, description="Connecting to the store.")
    s3_idle_timeout: Seconds = Field(default=15, description="A call to the store without a byte.")
    s3_complete_timeout: Seconds = Field(default=120, description="Completing a multipart upload.")
    database_timeout: Seconds = Field(default=10, description="A statement, or the wait for a connection.")
    heartbeat_timeout: Seconds = Field(default=2, description="The statement that renews the leases.")
    redis_timeout: Seconds = Field(default=5, description="A call to Redis.")
    database_pool_size: int = Field(default=10, ge=2, description="Connections to PostgreSQL a process holds at most.")

    # Logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least level logged."
    )
    log_format: Literal["json", "console"] = Field(
        default="json", description="One JSON object a line, or for reading."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.part_size > self.worker_memory_budget:
            msg = f"PART_SIZE ({self.part_size}) must not be above WORKER_MEMORY_BUDGET ({self.worker_memory_budget})"
            raise ValueError(msg)
        if self.lease_ttl <= self.heartbeat_interval + self.heartbeat_timeout:
            msg = "LEASE_TTL must be above HEARTBEAT_INTERVAL + HEARTBEAT_TIMEOUT, or a heartbeat may come too late"
            raise ValueError(msg)
        return self

    @field_validator("allowed_hosts", "cors_origins", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(item.strip() for item in value.split(",") if item.strip()) if isinstance(value, str) else value
