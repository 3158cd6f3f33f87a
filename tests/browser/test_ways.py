"""A job is followed to its end whatever is between the page and the server, and by the best way that there is."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import Page, expect

from jobs.engine.jobs import Job
from jobs.services import Services
from tests.browser.filters import Filter, filtering
from tests.browser.pages import goes, shown
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import proxied
from tests.helpers.running import working

pytestmark = pytest.mark.browser
SOCKETS, STREAMS = b"Upgrade: websocket", b" /v1/download/stream"


@pytest.fixture
async def job(services: Services, catalogue: Catalogue) -> Job:
    """A job that nobody works on yet."""
    return await create(services, await catalogue.add(b"x" * 1000), archive_name="ways")


@pytest.fixture
async def filtered(gateway: str) -> AsyncIterator[Filter]:
    async with filtering(gateway) as found:
        yield found


async def ends(tab: Page, job: Job, services: Services) -> None:
    """A worker comes, and the page sees the job end."""
    async with working(services.settings):
        await expect(shown(tab, job)).to_have_attribute("data-status", "completed", timeout=15_000)


async def test_where_websockets_are_refused_it_streams(
    tab: Page, filtered: Filter, job: Job, services: Services
) -> None:
    filtered.refused = (SOCKETS,)
    await tab.goto(f"{filtered.url}/?job={job.id}")
    await goes(tab, "sse")
    await ends(tab, job, services)


async def test_where_streams_are_held_back_too_it_polls(
    tab: Page, filtered: Filter, job: Job, services: Services
) -> None:
    filtered.refused, filtered.held = (SOCKETS,), (STREAMS,)
    await tab.goto(f"{filtered.url}/?job={job.id}")
    await goes(tab, "polling")
    await ends(tab, job, services)


async def test_when_websockets_pass_again_it_goes_back_to_them(tab: Page, filtered: Filter, job: Job) -> None:
    filtered.refused = (SOCKETS, STREAMS)
    await tab.goto(f"{filtered.url}/?job={job.id}")
    await goes(tab, "polling")
    filtered.refused = ()
    await goes(tab, "live", 30)


async def test_when_the_server_is_away_and_back_it_goes_on(
    tab: Page, gateway: str, job: Job, services: Services
) -> None:
    async with proxied(gateway) as proxy:
        await tab.goto(f"{proxy.url}/?job={job.id}")
        await goes(tab, "live")
        await proxy.refuse()
        await goes(tab, "offline")
        await proxy.heal()
        await goes(tab, "live", 45)
        await ends(tab, job, services)


async def test_a_server_that_hangs_is_said_within_fifteen_seconds_and_its_numbers_are_marked_before(
    tab: Page, gateway: str, job: Job
) -> None:
    async with proxied(gateway) as proxy:
        await tab.goto(f"{proxy.url}/jobs/{job.id}")
        await goes(tab, "live")
        proxy.blackhole()
        banner = tab.get_by_text("No connection to the server")
        await expect(tab.locator("main .stale")).to_have_text(
            re.compile(r"Last update (8|9|1\d) s ago"), timeout=13_500
        )
        await expect(tab.locator("main[data-stale]")).to_be_visible()
        await expect(banner).to_be_hidden()
        await expect(banner).to_be_visible(timeout=10_000)
        last = re.search(r"Last update (\d+) s ago", await tab.locator(".notice").inner_text())
        assert last is not None
        assert int(last[1]) <= 15
        await proxy.heal()
        await goes(tab, "live", 45)
        await expect(tab.locator("main[data-stale]")).to_have_count(0)


async def test_a_server_that_hangs_is_said_within_fifteen_seconds_while_no_job_runs(tab: Page, gateway: str) -> None:
    async with proxied(gateway) as proxy:
        await tab.goto(proxy.url)
        await expect(tab.get_by_text("No downloads yet")).to_be_visible()
        proxy.blackhole()
        banner = tab.get_by_text("No connection to the server")
        await expect(banner).to_be_visible(timeout=15_000)
        await proxy.heal()
        await tab.get_by_role("button", name="Try now").click()
        await expect(banner).to_be_hidden()


async def test_a_device_without_a_network_is_said_at_once_while_no_job_runs(
    tab: Page, gateway: str, services: Services
) -> None:
    await tab.goto(gateway)
    await expect(tab.get_by_text("No downloads yet")).to_be_visible()
    await goes(tab, "idle")
    await tab.context.set_offline(offline=True)
    await expect(tab.get_by_text("No connection to the server")).to_be_visible()
    await goes(tab, "offline")
    meanwhile = await create(services, 10_000, archive_name="meanwhile.zip")
    await services.lifecycle.cancel(meanwhile.id)
    await tab.context.set_offline(offline=False)
    await expect(shown(tab, meanwhile)).to_be_visible()
    await goes(tab, "idle")


async def test_a_line_that_went_deaf_is_left(
    tab: Page, gateway: str, api: httpx.AsyncClient, job: Job, services: Services
) -> None:
    async with proxied(gateway) as proxy:
        await tab.goto(f"{proxy.url}/?job={job.id}")
        await goes(tab, "live")
        proxy.blackhole()
        async with working(services.settings):
            await ended(api, f"/v1/download/job/{job.id}")
        await expect(shown(tab, job)).to_have_attribute("data-status", "queued")
        await proxy.heal()
        await expect(shown(tab, job)).to_have_attribute("data-status", "completed", timeout=25_000)
