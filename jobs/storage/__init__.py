"""The S3 store: objects, multipart uploads, presigned links and the bucket. No other package talks to S3.

Three clients share the work (docs/decisions): obstore reads, since it needs half the CPU of the others; botocore drives
multipart uploads through its public calls; minio signs links and manages the bucket. None of them retries, because
retrying is the lifecycle's business; the one exception is a call that the store rejected unexecuted because it is busy
(SlowDown), which is retried here. Every error that leaves this package is an error of `jobs.errors`.
"""

from jobs.storage.error_translation import ChecksumRejected, UploadGone, UploadUnusable
from jobs.storage.objects import ObjectInfo
from jobs.storage.storage import Storage

__all__ = ["ChecksumRejected", "ObjectInfo", "Storage", "UploadGone", "UploadUnusable"]
