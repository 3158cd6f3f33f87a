"""The lifecycle rule by which the store moves uploaded files to a cheaper storage class when they are old."""

from __future__ import annotations

import math
from typing import Any

import structlog
from botocore.exceptions import ClientError

from jobs.settings import StorageSettings

log = structlog.get_logger()

RULE_ID = "haulage-cold"
DAY = 24 * 3600


def cold_rule(settings: StorageSettings) -> dict[str, Any] | None:
    """The rule that the bucket should have; None without `COLD_STORAGE_CLASS`."""
    if settings.cold_storage_class is None:
        return None
    transition = {"Days": math.ceil(settings.cold_after / DAY), "StorageClass": settings.cold_storage_class}
    return {"ID": RULE_ID, "Status": "Enabled", "Filter": {"Prefix": "raw/"}, "Transitions": [transition]}


def set_cold_rule(client: Any, bucket: str, wanted: dict[str, Any] | None) -> None:
    """Give the bucket this rule, or take ours away. Its other rules stay.

    `client`: of botocore. A store may refuse: SeaweedFS with 501, MinIO with 400. Raises the errors of botocore that are no
    response of the store.
    """
    try:
        rules = _rules(client, bucket)
        others = [rule for rule in rules if rule.get("ID") != RULE_ID]
        after = others if wanted is None else [*others, wanted]
        if _has(rules, wanted) and len(after) == len(rules):
            return
        if after:
            client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": after})
        else:
            client.delete_bucket_lifecycle(Bucket=bucket)
    except ClientError as error:
        log.warning("cold_rule_rejected", code=error.response["Error"]["Code"])


def has_cold_rule(client: Any, bucket: str, wanted: dict[str, Any]) -> bool:
    """Whether the bucket has the rule. `client`: of botocore. Raises its errors."""
    return _has(_rules(client, bucket), wanted)


def _has(rules: list[dict[str, Any]], wanted: dict[str, Any] | None) -> bool:
    ours = [rule for rule in rules if rule.get("ID") == RULE_ID]
    if wanted is None:
        return not ours
    return any(rule["Status"] == "Enabled" and rule.get("Transitions") == wanted["Transitions"] for rule in ours)


def _rules(client: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        rules: list[dict[str, Any]] = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchLifecycleConfiguration":
            raise
        return []
    return rules
