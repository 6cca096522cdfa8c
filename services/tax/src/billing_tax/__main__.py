"""python -m billing_tax serve | relay | consume | jobs | migrate | all"""

import sys

from billing_runtime.service import run
from billing_runtime.settings import SettingsRefused

from billing_tax.config import read_settings
from billing_tax.main import service


def main() -> None:
    try:
        settings = read_settings()
    except SettingsRefused as refused:
        print(f"tax: {refused}", file=sys.stderr)
        raise SystemExit(2) from None
    run(service(settings), sys.argv[1] if len(sys.argv) > 1 else "")


if __name__ == "__main__":
    main()
