"""Encryption at rest: by default of the bucket, so that neither links nor parts of uploads need headers for it (SSE-S3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from botocore.exceptions import ClientError

log = structlog.get_logger()

PROBE_KEY = "bundles/probes/encryption"
"""Where a trial writes. Workers delete what is left of it."""
_RULES = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
_NOT_SET = "ServerSideEncryptionConfigurationNotFoundError"


@dataclass(frozen=True, slots=True)
class DefaultEncryption:
    """What the store does with new objects of the bucket. Neither: it stores them as they are."""

    algorithm: str | None = None
    """`AES256` or `aws:kms`."""
    refusal: str | None = None
    """The error code of a store that does not say."""


def read_default_encryption(client: Any, bucket: str) -> DefaultEncryption:
    """`client`: of botocore. Raises its errors other than what the store responds."""
    try:
        rules = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return DefaultEncryption() if code == _NOT_SET else DefaultEncryption(refusal=code)
    named = (rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm") for rule in rules)
    return DefaultEncryption(next(filter(None, named), None))


def set_default_encryption(client: Any, bucket: str) -> None:
    """Let the store encrypt new objects, unless the bucket's owner has chosen how already.

    A store may lack the call, or accept it without having a key, so that it could write nothing any more: then it is taken
    back. `client`: of botocore. Raises its errors other than what the store responds.
    """
    if read_default_encryption(client, bucket) != DefaultEncryption():
        return
    try:
        client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=_RULES)
    except ClientError as error:
        log.info("encryption_rejected", code=error.response["Error"]["Code"])
        return
    try:
        client.put_object(Bucket=bucket, Key=PROBE_KEY, Body=b"probe")
        client.delete_object(Bucket=bucket, Key=PROBE_KEY)
    except ClientError as error:
        client.delete_bucket_encryption(Bucket=bucket)
        log.warning("encryption_rejected", code=error.response["Error"]["Code"])
