"""Settings of the usage service: those of the runtime, and how far an event's time may lie from now."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from billing_runtime.settings import RuntimeSettings, SettingsRefused, load

from billing_usage.domain import ingestion


@dataclass(frozen=True)
class UsageSettings:
    """EVENT_AHEAD_MAX_S: how far ahead of now, EVENT_AGE_MAX_DAYS: how far behind it an event may lie.
    RECENT_IDS: how many identities this process remembers to recognise duplicates early.
    RATED_EVENTS_MAX: how many events of one item are rated where its price needs each by itself."""

    event_ahead_max_s: int = 300
    event_age_max_days: int = 400
    recent_ids: int = 131_072
    rated_events_max: int = 50_000

    def __post_init__(self) -> None:
        """Refuses what makes no sense."""
        limits = {
            "EVENT_AHEAD_MAX_S": (self.event_ahead_max_s, 0, 366 * 86_400),
            "EVENT_AGE_MAX_DAYS": (self.event_age_max_days, 1, 36_600),
            "RECENT_IDS": (self.recent_ids, 1, 10_000_000),
            "RATED_EVENTS_MAX": (self.rated_events_max, 1, 1_000_000),
        }
        problems = [
            f"{name} must be {low} to {high}" for name, (value, low, high) in limits.items() if not low <= value <= high
        ]
        if problems:
            raise SettingsRefused(problems)

    @property
    def time_limits(self) -> ingestion.TimeLimits:
        return ingestion.TimeLimits(timedelta(seconds=self.event_ahead_max_s), timedelta(days=self.event_age_max_days))


def read_settings(env: Mapping[str, str] | None = None) -> RuntimeSettings:
    """The runtime's settings. Raises SettingsRefused, also where this service's own are wrong."""
    environment = os.environ if env is None else env
    load(UsageSettings, environment)
    return load(RuntimeSettings, environment)
