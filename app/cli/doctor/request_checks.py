"""What requests need of the path: time, room, their headers, and a gateway that knows who sent them."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from uuid import uuid4

from app.cli.doctor.findings import KEEP_HOST, Finding, broken, ok, skipped, warning
from app.cli.doctor.probes import Path, ProbeFailed, ProbeRefused, in_parallel, longest, reason_of
from app.cli.sizes import size_text
from app.client_counts import client_of
from app.forwarded_clients import FORWARD_ADDRESS
from app.schemas import API_HEADERS

LONGEST_POLL = 60.0
"""Seconds of the longest long-poll."""
POLL_MARGIN = 4.0
"""Seconds that its response may take to arrive: a proxy that waits as long as the gateway cuts it half of the times."""
HEADER_SIZES = (8_000, 16_000, 30_000)
"""Bytes of headers that are tried. The first has to pass: cookies of single sign-on may need it."""
MAX_BODY = 8_000_000
"""Bytes of the largest body that is sent, unless the gateway accepts less."""
MAX_SKEW, MAX_SKEW_OF_STORES = 5.0, 300.0
"""Seconds between two clocks that are odd, and those that come near the 15 minutes which S3 stores tolerate."""
RACE_POSTS = 32
"""Of 32, one or more failed in each of 8 runs through nginx and Caddy with the gateway 40 ms away; of 16, in 3 of 8."""
RACE_WINDOW = (-0.1, 1.3)
"""Seconds around the end of a pause in which POSTs are sent: the gateway closes idle connections once a second."""
LONGEST_GAP = 190.0

_PADDING = 1_000
_EXAMPLE_ADDRESS = "192.0.2.1"
"""Reserved for examples (RFC 5737): no client has it."""


def first_byte(path: Path) -> Finding:
    """How long a response may take to begin."""

    survived, cut = longest(path.plan.waits, lambda wait: path.see(wait=wait))
    if cut is None:
        return ok(f"a response may take {survived:g} s, the longest that was tried")
    seen = f"a response that takes longer than {cut:.1f} s does not arrive"
    if cut <= LONGEST_POLL + POLL_MARGIN:
        return broken(seen, "Raise the proxy's time-out for responses to 150 s (nginx: proxy_read_timeout).")
    return warning(
        seen,
        "`start` waits up to 120 s: raise the proxy's time-out for responses to 150 s, lower START_WAIT below it, or use "
        "`initiate`, which responds at once.",
    )


def keep_alive_race(path: Path) -> Finding:
    """POSTs do not meet connections that the gateway, or a proxy before it, is just closing."""
    gaps = path.plan.race_gaps
    if gaps is None:
        return skipped("not tried", "It takes minutes: use --thorough.")
    keep_alive = path.seen.limits.keep_alive
    tried = sorted({*gaps, *([keep_alive] if keep_alive <= LONGEST_GAP else [])})
    failures = dict(zip(tried, in_parallel(lambda gap: _post_after(path, gap), tried), strict=True))
    failed = {gap: reasons for gap, reasons in failures.items() if reasons}
    if failed:
        gap, reasons = next(iter(failed.items()))
        return broken(
            f"{len(reasons)} of {RACE_POSTS} POSTs failed after a pause of {gap:g} s: {reasons[0]}",
            f"A proxy keeps connections longer than the server behind it: raise KEEP_ALIVE ({keep_alive:g} s) above the "
            "proxy's time, or lower that.",
        )
    return ok(f"no POST failed after pauses of {', '.join(f'{gap:g}' for gap in tried)} s")


def header_size(path: Path) -> Finding:
    """How large the headers of a request may be, and that all of them arrive."""
    remedy = "Raise the proxy's limit of request headers to 32 kB (nginx: large_client_header_buffers 8 8k)."
    passed = 0
    for size in HEADER_SIZES:
        padding = {f"X-Padding-{number}": "p" * _PADDING for number in range(size // (_PADDING + 20))}
        sent = sum(len(name) + len(value) for name, value in padding.items())
        try:
            seen = path.see(headers=padding)
        except ProbeRefused:
            raise
        except ProbeFailed as error:
            if not passed:
                return broken(f"headers of {size_text(size)} are refused: {error}", remedy)
            break
        if seen.head_bytes < sent:
            return broken(
                f"of {size_text(sent)} of headers only {size_text(seen.head_bytes)} arrive",
                "Let the proxy pass on all headers.",
            )
        passed = size
    return ok(f"headers of {size_text(passed)} pass")


def api_headers(path: Path) -> Finding:
    """The headers that the API reads arrive."""
    sent = dict.fromkeys(API_HEADERS, "doctor") | {"Origin": path.origin, "Accept": "application/json"}
    missing = sorted(set(API_HEADERS) - set(path.see(headers=sent).headers))
    if missing:
        return broken(f"{', '.join(missing)} did not arrive", "Let the proxy pass on all request headers.")
    return ok("all headers of the API arrive")


def body_size(path: Path) -> Finding:
    """The largest body that the gateway accepts passes."""
    size = min(path.seen.limits.body_bytes, MAX_BODY)
    remedy = f"Raise the proxy's limit of request bodies to {size} bytes (nginx: client_max_body_size)."
    try:
        seen = path.see("POST", body=bytes(size))
    except ProbeRefused:
        raise
    except ProbeFailed as error:
        return broken(f"a body of {size_text(size)} does not pass: {error}", remedy)
    if seen.body_bytes != size:
        return broken(f"of a body of {size} bytes {seen.body_bytes} arrive", remedy)
    return ok(f"a body of {size_text(size)} passes")


def client_address(path: Path) -> Finding:
    """The gateway sees the client's address, which the client cannot choose."""
    seen = path.seen
    if not client_of(seen.client):
        return warning("the gateway sees no client address: a proxy in TRUSTED_PROXIES sends none", FORWARD_ADDRESS)
    if seen.forwarded_for == "ignored":
        return warning(
            f"the gateway sees {seen.client}, which is a proxy: all its clients share the limits of one",
            "Set TRUSTED_PROXIES to the address of the proxy.",
        )
    from_outside = not _is_private(seen.client)  # otherwise this machine may be in TRUSTED_PROXIES itself
    if from_outside and path.see(headers={"X-Forwarded-For": _EXAMPLE_ADDRESS}).client == _EXAMPLE_ADDRESS:
        return broken(
            "clients can choose the address that the gateway sees",
            "Let the outermost proxy replace X-Forwarded-For, and set TRUSTED_PROXIES to your proxies only.",
        )
    if not from_outside and not _is_private(_peer_address(path)):
        return warning(
            f"the gateway sees the private address {seen.client}, although it is reached by a public one",
            "Let the proxy send X-Forwarded-For, and set TRUSTED_PROXIES to its address.",
        )
    return ok(f"the gateway sees {seen.client}")


def scheme(path: Path) -> Finding:
    """The gateway knows whether clients use TLS."""
    seen, used = path.seen.scheme, path.parts.scheme
    if seen != used and path.seen.public_url is None:
        return warning(
            f"the gateway sees {seen}, clients use {used}",
            "Let the proxy send X-Forwarded-Proto and name it in TRUSTED_PROXIES, or set PUBLIC_URL.",
        )
    return ok(f"clients use {used}")


def host(path: Path) -> Finding:
    """`Host` arrives as the client sent it, or `PUBLIC_URL` says what it was."""
    seen, public = path.seen.host, path.seen.public_url
    if public is not None and public != path.url:
        return warning(f"PUBLIC_URL is {public}", f"Set PUBLIC_URL to {path.url}, if that is the URL that people open.")
    if seen.lower() != path.host.lower() and public is None:
        return broken(f"the Host {path.host} arrives as {seen}", KEEP_HOST)
    return ok(f"the Host arrives as {seen}" + (f", and PUBLIC_URL is {public}" if public else ""))


def http2(path: Path) -> Finding:
    """Browsers can use HTTP/2, which has no limit of six connections to a host."""
    if path.parts.scheme != "https":
        return ok("not offered without TLS")
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    address = (path.parts.hostname or "", path.parts.port or 443)
    try:
        with (
            socket.create_connection(address, path.plan.timeout) as plain,
            context.wrap_socket(plain, server_hostname=address[0]) as secured,
        ):
            chosen = secured.selected_alpn_protocol()
    except OSError as error:
        return skipped(f"the TLS handshake failed ({reason_of(error)})", "Try again.")
    if chosen != "h2":
        return warning(
            "HTTP/2 is not offered: a browser shares six connections among all tabs",
            "Turn on HTTP/2 in the proxy that ends TLS.",
        )
    return ok("HTTP/2 is offered")


def clock(path: Path) -> Finding:
    """The clocks of this machine and of the gateway agree."""
    before = time.time()
    seen = path.see()
    skew = seen.time.timestamp() - (before + time.time()) / 2
    if abs(skew) <= MAX_SKEW:
        return ok(f"the clocks differ by {abs(skew):.1f} s")
    text = f"the gateway's clock is {abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    remedy = "Synchronise the clocks (NTP): expiry times are wrong, and stores refuse links that differ by 15 minutes."
    return (broken if abs(skew) > MAX_SKEW_OF_STORES else warning)(text, remedy)


def request_id(path: Path) -> Finding:
    """The request id of a client reaches the log, and comes back."""
    sent = uuid4().hex
    body, response = path.json("GET", "/v1/diagnose/request", headers={"X-Request-ID": sent})
    if body.get("requestId") != sent:
        return warning("X-Request-ID does not reach the gateway", "Let the proxy pass on the X-Request-ID of clients.")
    if response.headers.get("X-Request-ID") != sent:
        return warning("X-Request-ID does not come back", "Let the proxy pass on the X-Request-ID of responses.")
    return ok("X-Request-ID passes")


def _post_after(path: Path, gap: float) -> list[str]:
    """Opens connections with POSTs; after a pause sends others, which a proxy sends on the same. Returns what failed.

    Each POST waits at the gateway until all have been sent, so that each needs another connection.
    """
    fresh = {"Connection": "close"}  # between client and proxy, where the same race would be the client's own

    def post(delay: float) -> str | None:
        time.sleep(max(0, delay))
        try:
            path.see("POST", body=b"{}", headers=fresh, wait=RACE_WINDOW[1] - RACE_WINDOW[0])
        except ProbeRefused:
            raise
        except ProbeFailed as error:
            return str(error)
        return None

    in_parallel(post, [0.0] * RACE_POSTS)
    first, last = (gap + offset for offset in RACE_WINDOW)
    step = (last - first) / (RACE_POSTS - 1)
    reasons = in_parallel(post, [first + number * step for number in range(RACE_POSTS)])
    return [reason for reason in reasons if reason is not None]


def _peer_address(path: Path) -> str:
    """An address that the host name of the URL stands for."""
    try:
        found = socket.getaddrinfo(path.parts.hostname, path.parts.port or path.parts.scheme, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    return str(found[0][4][0])


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return True
