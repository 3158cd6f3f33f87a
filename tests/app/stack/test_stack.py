"""The local stack, with its real servers."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest
import redis
import urllib3
from minio import Minio
from minio.error import S3Error
from urllib3.util import Retry

from app.stack.errors import StackError
from app.stack.ports import free_ports
from app.stack.stack import Stack, read_environment

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[3]
PARENT = """
import json, sys
from pathlib import Path
import psutil
from app.stack.stack import Stack
stack = Stack(Path(sys.argv[1]), durable=False)
stack.start()
print(json.dumps([child.pid for child in psutil.Process().children(recursive=True)]), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, Path]]:
    # Longer than a socket's path may be, and with spaces.
    folder = tmp_path_factory.mktemp("a project with spaces") / ("deep " * 30) / "data"
    with Stack(folder, durable=False) as stack:
        yield stack, folder


@contextmanager
def store(environment: dict[str, str], **keys: str | None) -> Iterator[Minio]:
    key = keys.get("access_key", environment["S3_ACCESS_KEY_ID"])
    secret = keys.get("secret_key", environment["S3_SECRET_ACCESS_KEY"])
    pool = urllib3.PoolManager(timeout=10, retries=False, maxsize=16)
    host = environment["S3_ENDPOINT"].removeprefix("http://")
    yield Minio(host, key, secret, secure=False, region=environment["S3_REGION"], http_client=pool)
    pool.clear()


def sql(environment: dict[str, str], *statements: str) -> object:
    async def run() -> object:
        connection = await asyncpg.connect(environment["DATABASE_URL"])
        try:
            return [await connection.fetchval(statement) for statement in statements][-1]
        finally:
            await connection.close()

    return asyncio.run(run())


def write_everywhere(environment: dict[str, str]) -> None:
    sql(environment, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('row')")
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        client.set("kept", "key")
    with store(environment) as client:
        client.put_object(environment["S3_BUCKET_NAME"], "kept", io.BytesIO(b"object"), 6)


def read_everywhere(environment: dict[str, str]) -> tuple[object, object, object]:
    row = sql(environment, "SELECT word FROM kept")
    with redis.Redis.from_url(environment["REDIS_URL"]) as client:
        key = client.get("kept")
    with store(environment) as minio, minio.get_object(environment["S3_BUCKET_NAME"], "kept") as answer:
        return row, key, answer.read()


def servers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]


def test_data_outlive_a_stop(tmp_path: Path) -> None:
    with Stack(tmp_path / "data") as stack:
        first = stack.environment()
        write_everywhere(first)
    with Stack(tmp_path / "data") as stack:
        assert stack.environment() == first
        assert read_everywhere(first) == ("row", b"key", b"object")


def test_data_outlive_taken_ports(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        first = stack.environment()
        write_everywhere(first)
    file = tmp_path / "stack.json"
    kept = json.loads(file.read_text())
    others = dict(zip(kept["ports"], free_ports([10_000] * len(kept["ports"])), strict=True))
    file.write_text(json.dumps(kept | {"ports": others}))
    with Stack(tmp_path) as stack:
        assert stack.environment()["S3_ENDPOINT"] != first["S3_ENDPOINT"]
        assert read_everywhere(stack.environment()) == ("row", b"key", b"object")


def test_nothing_is_left_after_stop(tmp_path: Path) -> None:
    before = servers()
    sockets = set(Path("/tmp").glob("*.sock"))  # of servers that were killed, now or long ago
    stack = Stack(tmp_path, durable=False)
    stack.start()
    started = [child for child in servers() if child not in before]
    assert {"postgres", "valkey-server", "weed"} <= {child.name() for child in started}
    stack.stop()
    stack.stop()
    assert not [child for child in started if child.is_running()]
    ports = json.loads((tmp_path / "stack.json").read_text())["ports"]
    numbers = {str(port) for port in (*ports.values(), ports["admin.port"] + 10_000)}
    left = set(Path("/tmp").glob("*.sock")) - sockets
    assert not [file for file in left if file.stem.split("-")[-1] in numbers]
    with pytest.raises(StackError, match="no stack is running"):
        read_environment(tmp_path)


def test_without_redis_there_is_no_valkey_and_data_outlive_the_change(tmp_path: Path) -> None:
    before = servers()
    with Stack(tmp_path, queue="postgres") as stack:
        environment = stack.environment()
        assert (environment["QUEUE"], "REDIS_URL" in environment) == ("postgres", False)
        assert {child.name() for child in servers() if child not in before}.isdisjoint({"valkey-server"})
        assert read_environment(tmp_path) == environment, "so other commands find no Redis either"
        sql(environment, "CREATE TABLE kept (word text)", "INSERT INTO kept VALUES ('row')")
    with Stack(tmp_path) as stack:
        environment = stack.environment()
        assert sql(environment, "SELECT word FROM kept") == "row"
        with redis.Redis.from_url(environment["REDIS_URL"]) as client:
            assert client.ping()


def test_a_second_start_is_refused_and_harms_nothing(running: tuple[Stack, Path]) -> None:
    stack, folder = running
    with pytest.raises(StackError, match="another stack is running"):
        Stack(folder).start()
    with pytest.raises(StackError, match="already started"):
        stack.start()
    assert sql(stack.environment(), "SELECT 1") == 1
    assert read_environment(folder) == stack.environment()


def test_every_socket_is_on_loopback_and_asked_for(running: tuple[Stack, Path]) -> None:
    _, folder = running
    ports = json.loads((folder / "stack.json").read_text())["ports"]
    expected = {*ports.values(), ports["admin.port"] + 10_000}
    pids = [json.loads(file.read_text())["pid"] for file in (folder / "logs").glob("*.pid")]
    assert len(pids) == 3
    found = [
        c.laddr for pid in pids for c in psutil.Process(pid).net_connections("inet") if c.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in found} == {"127.0.0.1"}
    assert {address.port for address in found} <= expected


def test_postgres_has_no_socket_in_a_folder_that_all_share(running: tuple[Stack, Path]) -> None:
    pid = json.loads((running[1] / "logs/postgres.pid").read_text())["pid"]
    assert [c.laddr for c in psutil.Process(pid).net_connections("unix") if c.laddr] == []


def test_secrets_are_asked_for(running: tuple[Stack, Path]) -> None:
    environment = running[0].environment()
    password = environment["DATABASE_URL"].split(":")[2].split("@")[0]
    with pytest.raises(asyncpg.InvalidPasswordError):
        sql(environment | {"DATABASE_URL": environment["DATABASE_URL"].replace(password, "wrong")}, "SELECT 1")
    with (
        redis.Redis.from_url("redis://" + environment["REDIS_URL"].split("@")[1]) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
    for wrong in ({"secret_key": "wrong"}, {"access_key": "wrong"}, {"access_key": None, "secret_key": None}):
        with store(environment, **wrong) as client, pytest.raises(S3Error) as refused:
            client.list_buckets()
        assert refused.value.code in {"SignatureDoesNotMatch", "InvalidAccessKeyId", "AccessDenied"}


def test_secrets_are_for_their_owner_only(running: tuple[Stack, Path]) -> None:
    stack, folder = running
    modes = {
        name: (folder / name).stat().st_mode & 0o777 for name in ("stack.json", "postgres", "valkey", "store", "logs")
    }
    assert modes == {"stack.json": 0o600, "postgres": 0o700, "valkey": 0o700, "store": 0o700, "logs": 0o700}
    secrets = [
        stack.environment()["S3_SECRET_ACCESS_KEY"],
        stack.environment()["REDIS_URL"].split(":")[2].split("@")[0],
    ]
    lines = [" ".join(child.cmdline()) for child in servers()]
    assert not [line for line in lines for secret in secrets if secret in line]


def test_the_inner_ports_of_the_store_do_nothing_for_strangers(running: tuple[Stack, Path]) -> None:
    ports = json.loads((running[1] / "stack.json").read_text())["ports"]
    starting = Retry(connect=20, read=0, redirect=0, backoff_factor=0.05, backoff_max=0.5)  # not all serve at once
    with urllib3.PoolManager(timeout=10, retries=starting) as pool:
        asked = {
            f"http://127.0.0.1:{ports['master.port']}/dir/assign",
            f"http://127.0.0.1:{ports['master.port']}/col/delete?collection=haulage",
            f"http://127.0.0.1:{ports['filer.port']}/buckets/",
            f"http://127.0.0.1:{ports['admin.port']}/",
        }
        assert {url: pool.request("GET", url).status for url in asked} == dict.fromkeys(asked, 404)
        assert pool.request("GET", f"http://127.0.0.1:{ports['volume.port']}/1,01637037d6").status == 401


def test_a_missing_bucket_is_an_error(running: tuple[Stack, Path]) -> None:
    with store(running[0].environment()) as client, pytest.raises(S3Error) as refused:
        client.put_object("not-there", "a", io.BytesIO(b"a"), 1)
    assert refused.value.code == "NoSuchBucket"


def test_hundreds_of_buckets_find_room(running: tuple[Stack, Path]) -> None:
    with store(running[0].environment()) as client, ThreadPoolExecutor(8) as pool:

        def fill(bucket: str) -> int:
            client.make_bucket(bucket)
            client.put_object(bucket, "a", io.BytesIO(b"a"), 1)
            return client.stat_object(bucket, "a").size or 0

        assert sum(pool.map(fill, [f"room-{number}" for number in range(150)])) == 150


def test_a_killed_parent_leaves_no_server(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout
        started = [psutil.Process(pid) for pid in json.loads(parent.stdout.readline())]
        assert {"postgres", "valkey-server", "weed"} <= {child.name() for child in started}
        parent.kill()
        parent.wait()
        with pytest.raises(StackError, match="no stack is running"):
            read_environment(tmp_path)
        _, alive = psutil.wait_procs(started, timeout=20)
        assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


def test_a_start_right_after_a_kill_keeps_the_ports(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout
        parent.stdout.readline()
        before = read_environment(tmp_path)
        parent.kill()
        parent.wait()
        with Stack(tmp_path, durable=False) as stack:
            assert stack.environment() == before
            assert sql(before, "SELECT 1") == 1


def test_a_lock_that_names_a_strangers_pid_does_not_block(tmp_path: Path) -> None:
    stack = Stack(tmp_path, durable=False)
    stack.start()
    postgres = psutil.Process(json.loads((tmp_path / "logs/postgres.pid").read_text())["pid"])
    backends = postgres.children(recursive=True)
    postgres.kill()
    psutil.wait_procs(backends, timeout=20)
    stack.stop()
    lock = tmp_path / "postgres/data/postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        lock.write_text("\n".join([str(stranger.pid), *lock.read_text().splitlines()[1:]]) + "\n")
        (tmp_path / "logs/postgres.pid").write_text(json.dumps({"pid": stranger.pid, "created": 1.0, "signal": 9}))
        with Stack(tmp_path, durable=False) as again:
            assert sql(again.environment(), "SELECT 1") == 1
        assert stranger.poll() is None
        stranger.communicate(b"\n")


def test_a_server_that_ends_early_is_quoted_and_the_others_stop(tmp_path: Path) -> None:
    with Stack(tmp_path, durable=False):
        pass
    before = servers()
    (tmp_path / "postgres/data/global/pg_control").write_bytes(b"damaged")
    stack = Stack(tmp_path, durable=False)
    with pytest.raises(StackError, match=r"(?s)postgres ended with exit code -?[0-9]+ .*last lines of .*pg_control"):
        stack.start()
    assert [child for child in servers() if child not in before] == []
    shutil.rmtree(tmp_path / "postgres")
    with Stack(tmp_path, durable=False) as again:
        assert sql(again.environment(), "SELECT 1") == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "it is not valid JSON: EOF while parsing an object at line 1 column 1"),
        (
            b'{"ports": {"a": "secret"}, "valkey_password": 5}',
            "ports.a must be a whole number; valkey_password must be text",
        ),
        (b"\xff", "it is not UTF-8"),
    ],
)
def test_a_damaged_state_is_not_replaced(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "stack.json").write_bytes(content)
    with pytest.raises(StackError) as raised:
        Stack(tmp_path).start()
    assert raised.value.message.startswith(f"{tmp_path}/stack.json is damaged ({reason}); without its secrets ")
    assert (tmp_path / "stack.json").read_bytes() == content
