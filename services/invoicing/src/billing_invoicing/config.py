"""Settings of the invoicing service, beside those of the runtime."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from billing_runtime.settings import RuntimeSettings, SettingsRefused, load


@dataclass(frozen=True)
class InvoicingSettings:
    """`blob_url` is file:///folder or s3://bucket[/prefix]; names ending in _s are seconds."""

    blob_url: str
    due_batch_max: int = 1000
    renewals_chunk: int = 1000
    peer_deadline_s: float = 30.0
    pdf_workers: int = 1
    test_clock_pause_s: float = 0.5
    test_clock_steps_max: int = 10_000

    def __post_init__(self) -> None:
        """Refuses values that are typed right but make no sense."""
        limits = {
            "DUE_BATCH_MAX": (self.due_batch_max, 1, 5000),
            "RENEWALS_CHUNK": (self.renewals_chunk, 1, 5000),
            "PEER_DEADLINE_S": (self.peer_deadline_s, 0.1, 90),
            "PDF_WORKERS": (self.pdf_workers, 1, 64),
            "TEST_CLOCK_PAUSE_S": (self.test_clock_pause_s, 0, 60),
            "TEST_CLOCK_STEPS_MAX": (self.test_clock_steps_max, 1, 1_000_000),
        }
        wrong = [name for name, (value, least, most) in limits.items() if not least <= value <= most]
        if wrong:
            raise SettingsRefused([f"{name} must be between {limits[name][1]} and {limits[name][2]}" for name in wrong])


def read_settings(env: Mapping[str, str] | None = None) -> RuntimeSettings:
    """Reads the environment once, the service's own settings among it. Raises SettingsRefused."""
    found = os.environ if env is None else env
    read_own_settings(found)
    return load(RuntimeSettings, found)


def read_own_settings(env: Mapping[str, str]) -> InvoicingSettings:
    """Raises SettingsRefused."""
    return load(InvoicingSettings, env)
