"""The command line: each command in a module of its own, refusals in words, no tracebacks."""

import sys

import typer

from billing_cli import (
    access_commands,
    billing_commands,
    catalog_commands,
    import_commands,
    migration_commands,
    operator_commands,
    price_commands,
    stack_commands,
)
from billing_cli.console import complain
from billing_cli.demo.command import demo
from billing_cli.errors import CliError

REFUSED_EXIT = 1

commands = typer.Typer(
    name="billing",
    help="Run a billing mesh on this machine and work with it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
tenants = typer.Typer(help="Tenants.", no_args_is_help=True)
letters = typer.Typer(help="Events that a service could not take.", no_args_is_help=True)
catalogs = typer.Typer(help="What is sold, as one file.", no_args_is_help=True)
prices = typer.Typer(help="Prices.", no_args_is_help=True)
commands.command()(stack_commands.up)
commands.command()(stack_commands.status)
commands.command()(stack_commands.down)
commands.command()(stack_commands.logs)
commands.command()(access_commands.token)
tenants.command("create")(access_commands.create_tenant)
commands.add_typer(tenants, name="tenant")
commands.command()(demo)
commands.command()(billing_commands.run)
commands.command()(billing_commands.pdf)
catalogs.command("export")(catalog_commands.export)
catalogs.command("diff")(catalog_commands.diff)
catalogs.command("apply")(catalog_commands.apply)
commands.add_typer(catalogs, name="catalog")
prices.command("preview")(price_commands.preview)
commands.add_typer(prices, name="price")
commands.command("import")(import_commands.import_file)
commands.command()(migration_commands.migrate)
commands.command()(operator_commands.invariants)
letters.command("list")(operator_commands.list_letters)
letters.command("replay")(operator_commands.replay)
letters.command("skip")(operator_commands.skip)
commands.add_typer(letters, name="dead-letters")


def app() -> None:
    """The entry point of the `billing` script."""
    try:
        commands()
    except CliError as error:
        complain(error)
        sys.exit(REFUSED_EXIT)


if __name__ == "__main__":
    app()
