"""Values of the domain for tests that don't care which."""

from __future__ import annotations

from jobs.bundles.downloads import Result, ResultKind
from jobs.engine.jobs import Failure
from jobs.errors import ErrorClass

RESULT = Result(
    kind=ResultKind.BUNDLE,
    key="bundles/x/2.zip",
    size=10,
    etag="e",
    crc32=1,
    sha256=None,
    filename="x.zip",
    content_type="application/zip",
)
NETWORK = Failure(error_class=ErrorClass.NETWORK, message="the line is dead")
