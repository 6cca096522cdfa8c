"""Etags: the version of a resource as its callers see it."""

from billing_kernel.errors import Conflict


def etag_of(version: int) -> str:
    """The etag of a version, such as "v3"."""
    return f"v{version}"


def check_etag(etag: str, version: int) -> None:
    """Refuses a stale etag with Conflict; an empty one skips the check."""
    if etag and etag != etag_of(version):
        raise Conflict("the resource has changed since it was read", facts={"etag": etag_of(version)})
