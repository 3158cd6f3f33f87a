"""The rule by which a store moves old files: set beside the rules of others, refused by stores that have one class only."""

from __future__ import annotations

from typing import Any

import pytest
import structlog
from botocore.exceptions import ClientError

from jobs.storage import Storage
from jobs.storage.cold import cold_rule, has_cold_rule, set_cold_rule
from tests.jobs.storage.stores import MakeSettings

OTHERS = [{"ID": "mine", "Status": "Enabled", "Filter": {"Prefix": "mine/"}, "Expiration": {"Days": 3}}]


class Accepting:
    """A store with storage classes: as of its lifecycle rules. Neither SeaweedFS nor MinIO has any."""

    def __init__(self, rules: list[dict[str, Any]]) -> None:
        self.rules = rules
        self.written = 0

    def get_bucket_lifecycle_configuration(self, *, Bucket: str) -> dict[str, Any]:  # noqa: N803 - as botocore has it
        del Bucket
        if not self.rules:
            raise ClientError({"Error": {"Code": "NoSuchLifecycleConfiguration"}}, "GetBucketLifecycleConfiguration")
        return {"Rules": self.rules}

    def put_bucket_lifecycle_configuration(self, *, Bucket: str, LifecycleConfiguration: Any) -> None:  # noqa: N803
        del Bucket
        self.written += 1
        self.rules = LifecycleConfiguration["Rules"]

    def delete_bucket_lifecycle(self, *, Bucket: str) -> None:  # noqa: N803
        del Bucket
        self.written += 1
        self.rules = []


@pytest.mark.parametrize("others", [[], OTHERS])
def test_the_rule_is_set_changed_and_taken_away_beside_those_of_others(
    make_settings: MakeSettings, others: list[dict[str, Any]]
) -> None:
    store = Accepting(list(others))
    for name, seconds, days in (("STANDARD_IA", 30 * 86400, 30), ("GLACIER_IR", 90.5 * 86400, 91)):
        wanted = cold_rule(make_settings(cold_storage_class=name, cold_after=seconds))
        assert wanted is not None
        assert not has_cold_rule(store, "b", wanted)
        for _ in range(2):
            set_cold_rule(store, "b", wanted)
        assert has_cold_rule(store, "b", wanted)
        rule = {
            "ID": "haulage-cold",
            "Status": "Enabled",
            "Filter": {"Prefix": "raw/"},
            "Transitions": [{"Days": days, "StorageClass": name}],
        }
        assert store.rules == [*others, rule]
    for _ in range(2):
        set_cold_rule(store, "b", cold_rule(make_settings()))
    assert store.rules == others
    assert store.written == 3


async def test_a_store_without_storage_classes_refuses_the_rule_and_keeps_its_others(
    storage: Storage, make_settings: MakeSettings
) -> None:
    await storage.bucket.ensure()
    async with Storage.open(make_settings(cold_storage_class="STANDARD_IA")) as cold:
        with structlog.testing.capture_logs() as said:
            await cold.bucket.ensure()
        [line] = [line for line in said if line["event"] == "cold_rule_rejected"]
        assert line["code"] in {"NotImplemented", "InvalidStorageClass"}
        assert not await cold.bucket.has_cold_rule()
