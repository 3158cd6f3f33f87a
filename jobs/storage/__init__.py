"""All that talks to the S3 store: objects, multipart uploads, links, the bucket. Nothing else in Haulage does.

Three clients share the work (docs/decisions): obstore reads, since it does so at half the CPU of the others; botocore
drives multipart uploads by its public calls; minio signs links and looks after the bucket. None of them retries: that
is the lifecycle's; only what the store was too busy for, and so has not done, is asked of it again here. Whatever they
raise leaves this package as an error of `jobs.errors`.
"""

from jobs.storage.error_translation import UploadGone, UploadUnusable
from jobs.storage.objects import ObjectInfo
from jobs.storage.storage import Storage

__all__ = ["ObjectInfo", "Storage", "UploadGone", "UploadUnusable"]
