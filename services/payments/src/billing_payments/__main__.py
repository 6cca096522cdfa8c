"""python -m billing_payments serve | relay | consume | jobs | migrate | all"""

import sys

from billing_runtime.service import run
from billing_runtime.settings import SettingsRefused

from billing_payments.config import read_settings
from billing_payments.main import service


def main() -> None:
    try:
        settings, own = read_settings()
    except SettingsRefused as refused:
        print(f"payments: {refused}", file=sys.stderr)
        sys.exit(2)
    run(service(settings, own), sys.argv[1] if len(sys.argv) > 1 else "")


if __name__ == "__main__":
    main()
