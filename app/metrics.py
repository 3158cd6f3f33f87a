"""The metrics that gateway and intake observe. The instruments, and all other metrics, are in `jobs.metrics`."""

from __future__ import annotations

from http import HTTPStatus

from jobs.metrics import Counters, Gauges, Histogram, Histograms

REQUEST_TIME = Histograms(
    "haulage_http_request_seconds",
    "Until the response was sent, or the stream began. Requests that wait for a job do not count. route: the template of "
    "the operations on the way of a job, else `other`; status: its class.",
    ("method", "route", "status"),
    (0.01, 0.05, 0.2, 1),
)
FOLLOWERS = Gauges(
    "haulage_followers", "Open connections that follow jobs. way: websocket, stream, or poll for long-polls.", ("way",)
)
WEBSOCKETS, STREAMS, LONG_POLLS = (FOLLOWERS.labels(way) for way in ("websocket", "stream", "poll"))

DELIVERY_TIME = Histograms(
    "haulage_delivery_seconds",
    "From a change of a followed job to the moment that it was sent to all followers of this process: one for each "
    "message. Clocks of different machines must agree.",
    (),
    (0.005, 0.02, 0.1, 0.5, 2, 10),
)
"""The objective is that 99 % are sent within 0.1 s."""
DELIVERY = DELIVERY_TIME.labels()

LIMITED = Counters(
    "haulage_limited_total",
    "Requests, streams and connections that were refused since a limit was reached. why: the code of the problem.",
    ("why",),
)

NAMED = frozenset(
    {
        "initiate",
        "start",
        "status",
        "jobs",
        "downloadUrl",
        "file",
        "upload",
        "sendParts",
        "completeUpload",
        "createTusUpload",
    }
)
"""The operations whose paths `haulage_http_request_seconds` has. Those of all would be more series than one may have."""
_METHODS = frozenset({"GET", "POST"})


class RequestTimer:
    """The times of a route's responses, by the class of their status."""

    __slots__ = ("_by_class", "_method", "_route")

    def __init__(self, method: str, route: str = "other") -> None:
        self._method = method if method in _METHODS or route != "other" else "other"
        self._route = route
        self._by_class: dict[int, Histogram] = {}

    def observe(self, status: int, seconds: float) -> None:
        """Counts a response; `status` 0 stands for none, as to a client that has left."""
        number = status // 100
        found = self._by_class.get(number)
        if found is None:
            name = f"{number}xx" if status >= HTTPStatus.OK else "none"
            found = self._by_class[number] = REQUEST_TIME.labels(self._method, self._route, name)
        found.observe(seconds)


OTHER = {method: RequestTimer(method) for method in ("GET", "POST", "other")}
"""Of requests that reach no named operation."""


def timer_of(method: str, path: str, name: str) -> RequestTimer:
    """That of the operation `name` with this method and path."""
    if name in NAMED:
        return RequestTimer(method, path)
    return OTHER.get(method, OTHER["other"])
