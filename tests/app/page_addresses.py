"""Addresses of the page, which the OpenAPI document does not describe, and which are the same for everybody."""

from __future__ import annotations

PAGE_ADDRESSES = {
    "/openapi.json",
    "/docs",
    "/jobs/{jobId}",
    "/account",
    "/uploads",
    "/operator",
    "/operator/jobs",
    "/operator/jobs/{jobId}",
    "/sign-in",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
}
"""With the OpenAPI document itself."""
