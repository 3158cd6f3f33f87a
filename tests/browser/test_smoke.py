"""The page loads, follows a job over a WebSocket, sees it end, and still knows it after a reload."""

from __future__ import annotations

import httpx
import pytest
from playwright.async_api import Page, expect

from app.endpoints.pages import IMMUTABLE
from tests.helpers.catalogue import Catalogue

pytestmark = pytest.mark.browser


async def test_a_job_is_seen_to_its_end(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, worker: None
) -> None:
    del worker
    async with tab.expect_response("**/assets/*.js") as found:
        await tab.goto(gateway)
    headers = (await found.value).headers
    assert (headers["content-encoding"], headers["cache-control"]) == ("gzip", IMMUTABLE)
    await expect(tab).to_have_title("Haulage")
    ids = [await catalogue.add(b"x" * 1000, f"{n}.txt") for n in range(3)]
    answer = await api.post("/v1/download/initiate", json={"file_ids": ids, "archiveName": "smoke"})
    job = answer.json()["jobId"]
    sockets = []
    tab.on("websocket", lambda socket: sockets.append(socket.url))
    await tab.goto(f"{gateway}/?job={job}")
    await expect(tab.locator(f'[data-job="{job}"]')).to_have_attribute("data-status", "completed")
    assert sockets == [gateway.replace("http", "ws") + "/v1/download/subscribe"]
    await tab.reload()
    await expect(tab.locator(f'[data-job="{job}"]')).to_have_attribute("data-status", "completed")
