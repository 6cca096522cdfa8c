"""python -m billing_subscriptions serve | relay | consume | jobs | migrate | all"""

import sys

from billing_runtime.service import run
from billing_runtime.settings import SettingsRefused

from billing_subscriptions.config import read_settings
from billing_subscriptions.main import service


def main() -> None:
    try:
        settings = read_settings()
    except SettingsRefused as refused:
        sys.exit(f"subscriptions: {refused}")
    run(service(settings), sys.argv[1] if len(sys.argv) > 1 else "")


if __name__ == "__main__":
    main()
