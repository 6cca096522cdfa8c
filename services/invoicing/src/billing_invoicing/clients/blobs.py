"""`Blobs` on obstore: a local folder (file:///...) or S3 (s3://bucket/prefix), by setting; and one in memory."""

from pathlib import Path
from typing import Any

import obstore
from billing_kernel.errors import DomainError, Kind
from billing_runtime.settings import SettingsRefused
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, MemoryStore, S3Store

SCHEMES = ("file", "s3", "memory")


class BlobsUnavailable(DomainError):
    """The store did not answer, or refused."""

    kind = Kind.UNAVAILABLE
    reason = "BLOBS_UNAVAILABLE"


class ObjectBlobs:
    """Documents in any store of obstore."""

    def __init__(self, store: Any) -> None:
        self._store = store

    async def get(self, key: str) -> bytes | None:
        """None where there is none. Raises BlobsUnavailable."""
        try:
            answer = await obstore.get_async(self._store, key)
            return bytes(await answer.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise BlobsUnavailable("the document store does not answer") from error

    async def put(self, key: str, content: bytes) -> None:
        """Keeps the first content of a key. Raises BlobsUnavailable."""
        try:
            await obstore.put_async(self._store, key, content, mode="create")
        except AlreadyExistsError:
            return
        except (BaseError, OSError) as error:
            raise BlobsUnavailable("the document store does not answer") from error


def blobs_at(url: str) -> ObjectBlobs:
    """The store at BLOB_URL. Raises SettingsRefused for a URL that names none."""
    scheme, _, rest = url.partition("://")
    if scheme not in SCHEMES or (scheme != "memory" and not rest.strip("/")):
        raise SettingsRefused(["BLOB_URL must be file:///folder, s3://bucket[/prefix] or memory://"])
    if scheme == "file":
        folder = Path(rest)
        folder.mkdir(parents=True, exist_ok=True)
        return ObjectBlobs(LocalStore(folder))
    return ObjectBlobs(MemoryStore() if scheme == "memory" else S3Store.from_url(url))
