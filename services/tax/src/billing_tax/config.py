"""Settings of the tax service: those of the runtime, and none of its own."""

import os
from collections.abc import Mapping

from billing_runtime.settings import RuntimeSettings, load


def read_settings(env: Mapping[str, str] | None = None) -> RuntimeSettings:
    """Reads the environment once. Raises SettingsRefused."""
    return load(RuntimeSettings, os.environ if env is None else env)
