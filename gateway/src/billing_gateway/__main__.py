"""python -m billing_gateway render --out DIR | guard"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from billing_runtime.settings import SettingsRefused, load

from billing_gateway.settings import EdgeSettings, GuardSettings


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("billing_gateway", description="The edge of the billing mesh")
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="write envoy.yaml and what it serves; settings from the environment")
    render.add_argument("--out", type=Path, required=True, metavar="DIR")
    commands.add_parser("guard", help="run the strict-JSON guard at GUARD_ADDRESS")
    chosen = parser.parse_args(arguments)
    try:
        return _render(chosen.out) if chosen.command == "render" else _guard()
    except SettingsRefused as refused:
        print(f"gateway: {refused}", file=sys.stderr)
        return 2


def _render(folder: Path) -> int:
    from billing_gateway.edge import write

    print(write(load(EdgeSettings, os.environ), folder))
    return 0


def _guard() -> int:
    import uvloop

    from billing_gateway.guard.server import serve

    address = load(GuardSettings, os.environ).guard_address
    try:
        uvloop.run(serve(address))
    except RuntimeError as error:
        print(f"gateway: cannot listen on {address}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
