"""Clients that start jobs at a steady rate, as impatient as real ones, and clients that send files and never give up."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import httpx

from tests.faults.ground import Ground
from tests.faults.members import PATIENCE

PAUSE = 0.25
"""Seconds before a client repeats a request."""


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
                await asyncio.sleep(PAUSE)

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


class Sender:
    """Sends one file. What fails is repeated: a request at the next gateway, a part with a new URL."""

    def __init__(self, ground: Ground, data: bytes, name: str, urls: Callable[[], Sequence[str]]) -> None:
        self.data = data
        self.name = name
        self.job_id = UUID(int=0)
        self._ground = ground
        self._urls = urls
        self._part_size = 0

    async def create(self) -> None:
        """Creates the upload, which is promised from then on."""
        body = {"files": [{"name": self.name, "size": len(self.data)}]}
        [job] = (await self._insist("POST", "/v1/upload", body, {"Idempotency-Key": str(uuid4())}))["jobs"]
        self.job_id, self._part_size = UUID(job["jobId"]), job["upload"]["partSize"]
        self._ground.accepted.add(self.job_id)

    async def send(self, *numbers: int) -> None:
        """Sends these parts, and reports them."""
        for number in numbers:
            async with asyncio.timeout(2 * PATIENCE):
                while not await self._put(number):
                    await asyncio.sleep(PAUSE)
        await self._insist("POST", f"/v1/upload/{self.job_id}/parts", {"sent": numbers})

    async def complete(self) -> None:
        await self._insist("POST", f"/v1/upload/{self.job_id}/complete")

    async def _put(self, number: int) -> bool:
        part = self.data[(number - 1) * self._part_size :][: self._part_size]
        wanted = {"sign": [{"number": number, "crc32": f"{crc32(part):08x}"}]}
        [signed] = (await self._insist("POST", f"/v1/upload/{self.job_id}/parts", wanted))["parts"]
        try:
            async with httpx.AsyncClient(timeout=5) as client:
                answer = await client.put(signed["url"], headers=signed["headers"], content=part)
        except httpx.TransportError:
            return False
        return answer.status_code in {200, 412}  # 412: the store has it already

    async def _insist(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        async with asyncio.timeout(2 * PATIENCE):
            turn = 0
            while True:
                url = self._urls()[turn % len(self._urls())]
                turn += 1
                try:
                    async with httpx.AsyncClient(base_url=url, timeout=20) as client:
                        answer = await client.request(method, path, json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(PAUSE)
                    continue
                if answer.status_code < httpx.codes.BAD_REQUEST:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
                await asyncio.sleep(PAUSE)
