"""Clients that start jobs at a steady rate, as impatient as real ones."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.faults.ground import Ground
from tests.faults.members import PATIENCE


class Load:
    """Starts jobs of one file, every fourth as a bundle. Each accepted job is added to `ground.accepted`."""

    def __init__(self, ground: Ground, file_id: int, urls: Callable[[], Sequence[str]]) -> None:
        self._ground = ground
        self._file_id = file_id
        self._urls = urls
        self.answers: Counter[int] = Counter()
        """By status; 0 is a connection that broke or was refused."""
        self.made: list[UUID] = []
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def run(self, count: int, seconds: float, *, insist: bool = False) -> None:
        """Sends `count` requests, evenly spread over `seconds`. `insist`: each is retried until it is accepted."""
        clock = asyncio.get_running_loop().time
        begun = clock()
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                await asyncio.sleep(max(0.0, begun + number * seconds / count - clock()))
                body = {"file_ids": [self._file_id]} | ({} if number % 4 else {"archiveName": "bundle.zip"})
                group.create_task(self._insist(body) if insist else self._ask(body, str(uuid4()), self._urls()[0]))

    async def _insist(self, body: Mapping[str, Any]) -> None:
        """Retries with the same key, so that a lost response does not lead to two jobs."""
        key = str(uuid4())
        async with asyncio.timeout(2 * PATIENCE):
            turn = 0
            while not await self._ask(body, key, self._urls()[turn % len(self._urls())]):
                turn += 1
                await asyncio.sleep(0.25)

    async def _ask(self, body: Mapping[str, Any], key: str, url: str) -> bool:
        try:
            client = await self._client(url)
            answer = await client.post("/v1/download/initiate", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            self.answers[0] += 1
            return False
        self.answers[answer.status_code] += 1
        if answer.status_code != httpx.codes.ACCEPTED:
            return False
        job_id = UUID(answer.json()["jobId"])
        self._ground.accepted.add(job_id)
        self.made.append(job_id)
        return True

    async def _client(self, url: str) -> httpx.AsyncClient:
        if url not in self._clients:
            self._clients[url] = await self._ground.api(url)
        return self._clients[url]
