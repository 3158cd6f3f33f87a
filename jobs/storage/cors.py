"""The CORS rule by which browsers may send the parts of uploads to the store directly (Fetch standard, section 3.3)."""

from __future__ import annotations

from typing import Any

import structlog
from botocore.exceptions import ClientError

log = structlog.get_logger()

MAX_AGE = 3600
"""Seconds for which a browser remembers the answer to a preflight request."""
RULE = {
    "ID": "haulage-uploads",
    "AllowedMethods": ["PUT"],
    # Any origin: a presigned URL is the only credential, and no cookie is involved.
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "MaxAgeSeconds": MAX_AGE,
}


def set_cors_rule(client: Any, bucket: str) -> None:
    """Let pages of any origin PUT to presigned URLs, unless the bucket's owner has set rules already.

    `client`: of botocore. A store may lack the call: MinIO, which responds with 501, allows every origin by itself.
    Raises the errors of botocore.
    """
    try:
        try:
            client.get_bucket_cors(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchCORSConfiguration":
                raise
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    except ClientError as error:
        log.info("cors_rule_rejected", code=error.response["Error"]["Code"])
