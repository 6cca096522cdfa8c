"""billing token, billing tenant create."""

from enum import StrEnum
from typing import Annotated

import typer

from billing_cli import console
from billing_cli.mesh import DEFAULT_DIR, Mesh
from billing_cli.options import Dir, Tenant

TTL_S = 3600


class Role(StrEnum):
    """What a token may do: everything, read everything, or its own customer's records."""

    BILLING_ADMIN = "billing_admin"
    BILLING_VIEWER = "billing_viewer"
    CUSTOMER = "customer"


def token(
    role: Annotated[Role, typer.Option(help="What the token may do.")] = Role.BILLING_ADMIN,
    tenant: Tenant = None,
    customer: Annotated[str | None, typer.Option(help="cus_..., for the role customer.")] = None,
    ttl: Annotated[int, typer.Option(help="Seconds until it expires.")] = TTL_S,
    root: Dir = DEFAULT_DIR,
) -> None:
    """Print a token of the development issuer, and nothing else."""
    mesh = Mesh.of(root)
    typer.echo(mesh.token(mesh.tenant(tenant), role.value, customer, ttl))


def create_tenant(root: Dir = DEFAULT_DIR) -> None:
    """Make a tenant and print it; later commands take it when they name none."""
    made = Mesh.of(root).new_tenant()
    typer.echo(made)
    console.err.print("later commands take it as their default", style="dim")
