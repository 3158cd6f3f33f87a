"""botocore's reduced model produces the same requests as the complete one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader, Loader

from jobs.settings import Settings
from jobs.storage.clients import BotocoreClients
from tests.helpers.settings import with_changes

PART = {"Bucket": "a-bucket", "Key": "a key/ä+b.zip", "UploadId": "u", "PartNumber": 7, "ChecksumCRC32": "AAAAAA=="}


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9000", "https://s3.example.org"])
@pytest.mark.parametrize("path_style", [True, False])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "cn-north-1", "garage"])
def test_it_signs_the_same_url_as_the_complete_model(
    settings: Settings, region: str, path_style: bool, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = with_changes(settings, s3_region=region, s3_force_path_style=path_style, s3_endpoint=endpoint)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert _address(chosen) == _address(chosen, Loader())


def test_it_is_read_once_for_all_clients_of_a_process(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    _address(settings)
    read: list[str] = []
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda _, path: read.append(path))
    _address(settings)
    assert read == []


def _address(settings: Settings, loader: Any = None) -> tuple[str, str]:
    clients = BotocoreClients(settings, 1)
    if loader is not None:
        clients._session.register_component("data_loader", loader)  # noqa: SLF001 - as it would be without ours
    client = clients.create(1)
    try:
        return client.generate_presigned_url("upload_part", Params=PART), client.meta.endpoint_url
    finally:
        client.close()
