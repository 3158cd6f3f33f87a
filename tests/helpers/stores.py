"""The store that the tests run against."""

from __future__ import annotations

import os


def other_store() -> dict[str, str]:
    """The environment of the store that `HAULAGE_TEST_S3_ENDPOINT` names (tests/minio.sh); empty without one."""
    if "HAULAGE_TEST_S3_ENDPOINT" not in os.environ:
        return {}
    return {
        "S3_ENDPOINT": os.environ["HAULAGE_TEST_S3_ENDPOINT"],
        "S3_ACCESS_KEY_ID": os.environ["HAULAGE_TEST_S3_ACCESS_KEY"],
        "S3_SECRET_ACCESS_KEY": os.environ["HAULAGE_TEST_S3_SECRET_KEY"],
    }
