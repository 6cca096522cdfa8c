"""Etags are versions: a caller that read an older one is refused."""

from billing_kernel.errors import Conflict


def check_etag(etag: str, version: int) -> None:
    """An empty etag skips the check. Raises Conflict."""
    if etag and etag != str(version):
        raise Conflict("the resource changed since it was read", facts={"etag": str(version)})
