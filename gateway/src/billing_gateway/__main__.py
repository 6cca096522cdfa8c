"""python -m billing_gateway render --out DIR"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from billing_runtime.settings import SettingsRefused, load

from billing_gateway.edge import write
from billing_gateway.settings import EdgeSettings


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("billing_gateway", description="The edge of the billing mesh")
    commands = parser.add_subparsers(dest="command", required=True)
    render = commands.add_parser("render", help="write envoy.yaml and what it serves; settings from the environment")
    render.add_argument("--out", type=Path, required=True, metavar="DIR")
    folder = parser.parse_args(arguments).out
    try:
        print(write(load(EdgeSettings, os.environ), folder))
    except SettingsRefused as refused:
        print(f"gateway: {refused}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
