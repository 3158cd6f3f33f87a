"""Start a job and follow it by long-poll, with the standard library only.

python follow.py http://localhost:8080 10000 10001
"""

import json
import random
import sys
import time
import uuid
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def call(method: str, url: str, headers: dict[str, str], body: object = None) -> Any:
    """Return the JSON of the response. Retries while the server is busy, restarts or cannot be reached."""
    data = None if body is None else json.dumps(body).encode()
    for attempt in range(30):
        request = Request(url, data, headers | {"Content-Type": "application/json"}, method=method)
        try:
            with urlopen(request, timeout=90) as response:
                return json.load(response)
        except HTTPError as error:
            if error.code < 500 and "Retry-After" not in error.headers:
                sys.exit(f"{error.code}: {json.load(error)['message']}")
            pause = float(error.headers.get("Retry-After", 5))
        except (OSError, HTTPException):
            pause = min(30, 0.5 * 2**attempt)
        time.sleep(pause * random.uniform(1, 1.5))  # not all clients at the same moment
    sys.exit("The server is unavailable.")


def main(server: str, *file_ids: str) -> None:
    # With an Idempotency-Key, a request whose response was lost can be repeated: there will be one job.
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"file_ids": [int(file_id) for file_id in file_ids], "archiveName": "example"}
    job = call("POST", f"{server}/v1/download/initiate", key, body)
    address = server + job["links"]["self"]
    print("job", job["jobId"], flush=True)

    seq, files = 0, {}
    while True:
        # Responds as soon as something has changed after `seq`, or after 30 s.
        status = call("GET", f"{address}?since={seq}", {"Prefer": "wait=30"})
        files.update({file["index"]: file for file in status["files"]})
        seq = status["seq"]
        done = sum(file["status"] == "done" for file in files.values())
        print(status["status"], status["progress"]["percent"], f"{done}/{len(files)} files", flush=True)
        if status["status"] in ("completed", "failed", "cancelled", "expired"):
            break
    if status["status"] != "completed":
        sys.exit(f"{status['status']}: {status['error'] and status['error']['message']}")
    print("fetch", server + status["links"]["file"])


if __name__ == "__main__":
    main(*sys.argv[1:])
