"""python -m billing_invoicing serve | relay | consume | jobs | migrate | all"""

import sys

from billing_runtime.service import run
from billing_runtime.settings import SettingsRefused

from billing_invoicing.config import read_settings
from billing_invoicing.main import service


def main() -> None:
    try:
        settings = read_settings()
    except SettingsRefused as refused:
        sys.exit(f"invoicing: {refused}")
    run(service(settings), sys.argv[1] if len(sys.argv) > 1 else "")


if __name__ == "__main__":
    main()
