"""Who may call what: the method option `billing.common.v1.access`, read once from the descriptors. Default: deny."""

from billing.common.v1 import access_pb2
from billing_kernel.errors import DomainError, Kind
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from billing_runtime.call import Role


class PermissionDenied(DomainError):
    kind = Kind.FORBIDDEN
    reason = "PERMISSION_DENIED"


class AccessUndeclared(Exception):
    """A method carries no complete access option; the service must not start."""


def access_of(method: MethodDescriptor) -> access_pb2.Access:
    """The complete access option of a method; raises AccessUndeclared."""
    # Parsed anew: options that were read before the extension was known keep it among the unknown fields.
    options = MethodOptions.FromString(method.GetOptions().SerializeToString())
    if not options.HasExtension(access_pb2.access):
        raise AccessUndeclared(f"{method.full_name} has no option (billing.common.v1.access)")
    access = options.Extensions[access_pb2.access]
    if not (access.permission and access.audience and access.rate_class and access.idempotency):
        raise AccessUndeclared(f"{method.full_name} leaves a part of its access option unspecified")
    return access


def roles_of(access: access_pb2.Access) -> frozenset[Role]:
    """The roles that may call a method with this option."""
    if access.audience == access_pb2.AUDIENCE_INTERNAL:
        return frozenset({Role.SERVICE})
    if access.audience != access_pb2.AUDIENCE_PUBLIC:
        return frozenset()
    roles = {Role.BILLING_ADMIN, Role.SERVICE}
    if access.permission.endswith(".read"):
        roles.add(Role.BILLING_VIEWER)
    if access.customer:
        roles.add(Role.CUSTOMER)
    return frozenset(roles)
