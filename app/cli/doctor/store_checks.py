"""What downloads need of the path to the store, which the presigned links of results lead to."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from app.cli.doctor.findings import Finding, broken, ok, skipped, warning
from app.cli.doctor.probes import Path, ProbeFailed


def store_link(path: Path) -> Finding:
    """The presigned link of a result works from here."""
    link = _latest_link(path)
    if link is None:
        return skipped("no completed job to try its link", "Run it again after a download.")
    shown = link["url"].partition("?")[0].rpartition("/")[0]
    try:
        status = _status_of(path, link["url"], {})
    except ProbeFailed as error:
        return broken(
            f"the store can't be reached at {shown}: {error}",
            "Set S3_PUBLIC_ENDPOINT to a URL of the store that clients can reach.",
        )
    if status == HTTPStatus.FORBIDDEN:
        return broken(
            f"the store refuses the link at {shown} with status 403",
            "Let the proxy before the store keep Host and path, which are signed, or set S3_PUBLIC_ENDPOINT to the URL "
            "that the store sees. Check its clock, too.",
        )
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return broken(f"the store responds to the link at {shown} with status {status}", "See the log of the store.")
    if path.parts.scheme == "https" and not link["url"].startswith("https:"):
        return warning(
            f"the link at {shown} is not https: browsers block such downloads on pages that are",
            "Set S3_PUBLIC_ENDPOINT to an https URL of the store.",
        )
    return ok(f"the link at {shown} works")


def byte_range(path: Path) -> Finding:
    """Downloads can be resumed: `Range` reaches the store."""
    link = _latest_link(path)
    if link is None or not link["size"]:
        return skipped("no completed job to try its link", "Run it again after a download.")
    try:
        status = _status_of(path, link["url"], {"Range": "bytes=0-0"})
    except ProbeFailed as error:
        return skipped(f"the store can't be reached: {error}", "See the check “store link”.")
    if status == HTTPStatus.OK:
        return broken(
            "Range does not reach the store: interrupted downloads start over",
            "Let the proxy before the store pass on Range and If-Range.",
        )
    if status != HTTPStatus.PARTIAL_CONTENT:
        return skipped(f"the store responds with status {status}", "See the check “store link”.")
    return ok("downloads can be resumed")


def _latest_link(path: Path) -> dict[str, Any] | None:
    """The `Link` of the newest job with a result; None if there is none."""
    headers = path.authorization
    jobs, _ = path.json("GET", "/v1/download/jobs?status=completed&limit=1", headers=headers)
    for job in jobs["jobs"]:
        link, _ = path.json("GET", f"/v1/download/job/{job['jobId']}/download-url", headers=headers)
        return dict(link)
    return None


def _status_of(path: Path, url: str, headers: dict[str, str]) -> int:
    """The status of a response whose body is not read."""
    response = path.send("GET", url, headers=headers, preload=False)
    response.close()
    return response.status
