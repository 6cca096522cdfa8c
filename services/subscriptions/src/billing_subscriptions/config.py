"""Settings of the subscriptions service: those of the runtime, and its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from billing_runtime.settings import RuntimeSettings, SettingsRefused, load


@dataclass(frozen=True)
class Settings:
    """`usage_address` is host:port of the usage service; a due is published again `due_republish_after_s` after its
    last publication while invoicing has not settled it."""

    usage_address: str
    usage_deadline_s: float = 5.0
    due_republish_after_s: float = 3600.0

    def __post_init__(self) -> None:
        """Refuses values that make no sense."""
        if self.usage_deadline_s <= 0:
            raise SettingsRefused(["USAGE_DEADLINE_S must be positive"])
        if self.due_republish_after_s < 60:
            raise SettingsRefused(["DUE_REPUBLISH_AFTER_S must be at least 60"])


def read_settings(env: Mapping[str, str] | None = None) -> RuntimeSettings:
    """The common settings, which every role needs; the own ones are read when the service is built."""
    return load(RuntimeSettings, os.environ if env is None else env)
