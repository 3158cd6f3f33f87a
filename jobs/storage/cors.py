"""The CORS rule by which pages may send parts of uploads to the store and read texts from it.

See section 3.3 of the Fetch standard. Images and videos that a page shows need no rule.
"""

from __future__ import annotations

from typing import Any

import structlog
from botocore.exceptions import ClientError

log = structlog.get_logger()

MAX_AGE = 3600
"""Seconds for which a browser remembers the answer to a preflight request."""
RULE = {
    "ID": "haulage-uploads",
    "AllowedMethods": ["GET", "PUT"],
    # Any origin: a presigned URL is the only credential, and no cookie is involved.
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "MaxAgeSeconds": MAX_AGE,
}


def set_cors_rule(client: Any, bucket: str) -> None:
    """Let pages of any origin use presigned URLs, unless the bucket's owner has set rules.

    A rule of Haulage that is already there is replaced, since older ones allow less.
    `client`: of botocore. A store may lack the call: MinIO, which responds with 501, allows every origin by itself.
    Raises the errors of botocore.
    """
    try:
        if all(rule.get("ID") == RULE["ID"] for rule in _rules_of(client, bucket)):
            client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [RULE]})
    except ClientError as error:
        log.info("cors_rule_rejected", code=error.response["Error"]["Code"])


def _rules_of(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        rules: list[dict[str, Any]] = client.get_bucket_cors(Bucket=bucket)["CORSRules"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchCORSConfiguration":
            return []
        raise
    return rules
