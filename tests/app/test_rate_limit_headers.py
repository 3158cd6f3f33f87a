"""The fields `RateLimit-Policy` and `RateLimit`."""

from __future__ import annotations

from app.rate_limit_headers import Quota, rate_limit_headers


def test_both_fields_list_every_quota_under_the_same_name() -> None:
    jobs = Quota(name="jobs", limit=10, window=3600, remaining=3, reset=1799.2)
    requests = Quota(name="requests", limit=1000, window=3600, remaining=1000)
    assert rate_limit_headers([jobs, requests]) == {
        "RateLimit-Policy": '"jobs";q=10;w=3600, "requests";q=1000;w=3600',
        "RateLimit": '"jobs";r=3;t=1800, "requests";r=1000',
    }


def test_no_number_is_negative() -> None:
    used_up = Quota(name="jobs", limit=10, window=3600, remaining=-2, reset=-0.5)
    assert rate_limit_headers([used_up])["RateLimit"] == '"jobs";r=0;t=0'


def test_without_a_quota_there_is_no_field() -> None:
    assert rate_limit_headers([]) == {}
