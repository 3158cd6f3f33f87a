"""S3 clients, created from the settings without a network call.

Each gets its whole configuration here, so that none reads the environment or files like `~/.aws/config`.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from minio import Minio
from obstore.store import S3Store
from urllib3 import PoolManager, Timeout

from jobs.settings import StorageSettings
from jobs.storage.slim_models import SlimLoader

if TYPE_CHECKING:
    from obstore.store import S3Credential  # obstore has no types at run time

_LOADER = SlimLoader()
"""One for all sessions of a process. Performance: without this each takes 60 ms of CPU to read the same files again."""
_UNLIMITED = timedelta(days=1)
"""The time-out of a whole request of obstore (default 30 s): the idle time-out limits requests instead."""


@dataclass(frozen=True)
class MinioClient:
    """A minio client and its connection pool, which it cannot close by itself."""

    client: Minio
    connections: PoolManager


def minio_client(settings: StorageSettings, endpoint: str, read_timeout: float) -> MinioClient:
    """Return a client for bucket calls and for signing. `read_timeout` is in seconds without a byte."""
    address = urlsplit(endpoint)
    timeout = Timeout(connect=settings.s3_connect_timeout, read=read_timeout)
    connections = PoolManager(maxsize=4, retries=False, timeout=timeout, ssl_context=tls_context(settings))
    client = Minio(
        address.netloc,
        access_key=settings.s3_access_key_id,
        secret_key=settings.s3_secret_access_key.get_secret_value(),
        secure=address.scheme == "https",
        region=settings.s3_region,  # otherwise it requests the bucket's region from the store
        http_client=connections,
    )
    set_style: Callable[[], None] = (
        client.disable_virtual_style_endpoint if settings.s3_force_path_style else client.enable_virtual_style_endpoint
    )
    set_style()
    return MinioClient(client, connections)


def tls_context(settings: StorageSettings) -> ssl.SSLContext | None:
    """Return what the clients in Python verify the store's certificate with; None without TLS."""
    if urlsplit(settings.s3_endpoint).scheme == "http":
        return None
    context = ssl.create_default_context()
    if settings.s3_ca_file is not None:
        context.load_verify_locations(settings.s3_ca_file)
    return context


def obstore_client(settings: StorageSettings) -> S3Store:
    """Return a client to read, HEAD, list and delete objects."""
    credential: S3Credential = {
        "access_key_id": settings.s3_access_key_id,
        "secret_access_key": settings.s3_secret_access_key.get_secret_value(),
        "token": None,
        "expires_at": None,
    }
    return S3Store(
        settings.s3_bucket_name,
        config={
            # Not `endpoint`: AWS_ENDPOINT_URL_S3 of the environment would take precedence over it.
            "aws_endpoint_url_s3": _bucket_endpoint(settings),
            "region": settings.s3_region,
            "unsigned_payload": True,
            "virtual_hosted_style_request": not settings.s3_force_path_style,
            "skip_signature": False,
        },
        client_options={
            "allow_http": urlsplit(settings.s3_endpoint).scheme == "http",
            "connect_timeout": timedelta(seconds=settings.s3_connect_timeout),
            "read_timeout": timedelta(seconds=settings.s3_idle_timeout),
            "timeout": _UNLIMITED,
            # Connect directly, like the other clients: a proxy that excludes the store overrides HTTP_PROXY.
            "proxy_url": "http://127.0.0.1:9",
            "proxy_excludes": urlsplit(_bucket_endpoint(settings)).hostname or "",
            # It adds the CAs of the operating system by itself.
            **({} if settings.s3_ca_file is None else {"root_certificate": settings.s3_ca_file.read_bytes()}),
        },
        retry_config={"max_retries": 0, "retry_timeout": timedelta(0)},
        # Keys in `config` would be combined with AWS_SESSION_TOKEN of the environment.
        credential_provider=lambda: credential,
    )


def _bucket_endpoint(settings: StorageSettings) -> str:
    """Return the endpoint as obstore expects it: with the bucket in the host name unless it belongs in the path."""
    if settings.s3_force_path_style:
        return settings.s3_endpoint
    scheme, _, host = settings.s3_endpoint.partition("://")
    return f"{scheme}://{settings.s3_bucket_name}.{host}"


class BotocoreClients:
    """Creates botocore clients with different time-outs."""

    def __init__(self, settings: StorageSettings, connections: int) -> None:
        """`connections` is the size of each client's connection pool."""
        self._settings = settings
        self._connections = connections
        # An AWS_PROFILE that does not exist would fail every client.
        ignored = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
        self._session = botocore.session.Session(session_vars=ignored)
        self._session.register_component("data_loader", _LOADER)

    def create(self, read_timeout: float) -> Any:
        """Return a client that times out after `read_timeout` seconds without a byte. The caller closes it."""
        settings = self._settings
        client = self._session.create_client(
            "s3",
            endpoint_url=settings.s3_endpoint,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(),
            config=self._config(read_timeout),
        )
        context = tls_context(settings)
        if context is not None:
            client._endpoint.http_session = _TlsSession(  # noqa: SLF001 - botocore has no parameter for it
                context,
                timeout=(settings.s3_connect_timeout, read_timeout),
                max_pool_connections=self._connections,
            )
        client.meta.events.register_last("before-parameter-build.s3", _disable_region_redirects)
        return client

    def _config(self, read_timeout: float) -> Config:
        return Config(
            signature_version="s3v4",
            connect_timeout=self._settings.s3_connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=self._connections,
            retries={"total_max_attempts": 1},
            proxies={},  # otherwise those of the environment
            # Not every store supports the newer checksums that botocore would add.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "addressing_style": "path" if self._settings.s3_force_path_style else "virtual",
                "payload_signing_enabled": False,
            },
        )


class _TlsSession(URLLib3Session):  # type: ignore[misc] # botocore has no types
    """Verifies certificates like the other clients: botocore itself trusts certifi's CAs, or those of one file."""

    def __init__(self, context: ssl.SSLContext, **options: Any) -> None:
        self._context = context
        super().__init__(**options)

    def _get_ssl_context(self) -> ssl.SSLContext:
        return self._context

    def _setup_ssl_cert(self, connections: Any, url: str, verify: object) -> None:
        del url, verify
        connections.cert_reqs = "CERT_REQUIRED"


def _disable_region_redirects(context: dict[str, Any], **_: object) -> None:
    """Make botocore treat a redirect (3xx) as an error.

    Otherwise it requests the bucket's region, and recurses until RecursionError if that is redirected as well.
    """
    context.setdefault("s3_redirect", {})["redirected"] = True
