#!/bin/sh
# Start a job, wait for its end by long-poll, and download its bundle, resuming when the connection breaks.
#
#   sh download.sh http://localhost:8080 bundle.zip 10000 10001
set -eu
server=$1 output=$2
shift 2
if [ -e "$output" ] || [ -L "$output" ]; then echo "$output exists" >&2; exit 1; fi
ids=$(printf '%s,' "$@")
key=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')

# Retries on 429 and 5xx as `Retry-After` says, and while the server cannot be reached.
call() { curl -sS --fail-with-body --max-time 90 --retry 20 --retry-connrefused "$@"; }
# The first value of a field: enough for a status without files. Use jq if you have it.
field() { grep -o "\"$1\": *\"\{0,1\}[^\",}]*" | head -n 1 | sed 's/.*: *"\{0,1\}//'; }

# With an Idempotency-Key, a request whose response was lost can be repeated: there will be one job.
started=$(call "$server/v1/download/initiate" -H 'Content-Type: application/json' -H "Idempotency-Key: $key" \
  -d "{\"file_ids\": [${ids%,}], \"archiveName\": \"example\"}") || { printf '%s\n' "$started" >&2; exit 1; }
job=$server/v1/download/job/$(printf %s "$started" | field jobId)
echo "job ${job##*/}"

while :; do
  # Responds as soon as the job has ended, or after 30 s. Retried when the connection breaks (22: an HTTP error).
  status=$(call "$job" -H 'Prefer: wait=30') || { [ $? -ne 22 ] && sleep 1 && continue; exit 1; }
  state=$(printf %s "$status" | field status)
  echo "$state $(printf %s "$status" | field percent)"
  case $state in
    completed) break ;;
    failed | cancelled | expired) printf '%s\n' "$status" >&2; exit 1 ;;
  esac
  sleep 1
done

# The stable link redirects to a fresh presigned one each time; -C - continues where the file ends.
size=$(call "$job/download-url" | field size)
tries=0
: >>"$output.part"
until [ "$(wc -c <"$output.part")" -eq "$size" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 50 ] || { echo "The download makes no progress." >&2; exit 1; }
  curl -sSfL -C - --speed-limit 1 --speed-time 30 -o "$output.part" "$job/file" || sleep 2
done
mv "$output.part" "$output"
echo "saved $output"
