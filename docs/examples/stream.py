"""Follow a job by server-sent events, with the standard library only.

python stream.py http://localhost:8080 JOB_ID
"""

import json
import random
import sys
import time
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

ENDED = ("completed", "failed", "cancelled", "expired", "gone")


def messages(server: str, job_id: str) -> Iterator[dict[str, Any]]:
    """Yield each message of the job once, through every disconnection, up to the last one."""
    seq, pause = 0, 2.0
    while True:
        try:
            # 20 s without a byte, not even a comment: the connection is broken.
            with urlopen(f"{server}/v1/download/stream/{job_id}?since={seq}", timeout=20) as response:
                data = ""
                for line in response:
                    field, _, value = line.decode().rstrip("\r\n").partition(":")
                    if field == "data":
                        data += value.removeprefix(" ")
                    elif field == "retry":
                        pause = int(value) / 1000  # how long to wait before the next connection
                    elif not field and not value and data:  # an empty line ends an event
                        message = json.loads(data)
                        data, seq = "", message["seq"]
                        yield message
                        if message["type"] in ENDED:
                            return
        except HTTPError as error:
            if error.code < 500 and "Retry-After" not in error.headers:
                sys.exit(f"{error.code}: {json.load(error)['message']}")
            pause = float(error.headers.get("Retry-After", 5))
        except (OSError, HTTPException):
            pause = max(pause, 1.0)
        time.sleep(pause * random.uniform(1, 1.5))  # not all clients at the same moment


def main(server: str, job_id: str) -> None:
    for message in messages(server, job_id):
        print(message["status"], message["progress"]["percent"], flush=True)
    if message["type"] != "completed":
        sys.exit(f"{message['type']}: {message['error'] and message['error']['message']}")
    print("fetch", server + message["links"]["file"])


if __name__ == "__main__":
    main(*sys.argv[1:])
