"""Settings of the payments service: those of the runtime, and its own."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from billing_runtime.settings import RuntimeSettings, SettingsRefused, load

from billing_payments.domain import schedule as schedules


@dataclass(frozen=True)
class PaymentsSettings:
    """`retry_schedule_days`: days from each failed attempt to the next one, or "none".

    `gateway_deadline_s`: time of one call of a gateway; `gateway_concurrency`: calls of one batch at a time.
    """

    retry_schedule_days: tuple[str, ...] = ("3", "5", "7", "7")
    gateway_deadline_s: float = 5.0
    gateway_concurrency: int = 32

    def __post_init__(self) -> None:
        """Refuses values that are typed right but make no sense."""
        problems = []
        try:
            schedules.parse_schedule(self.retry_schedule_days)
        except ValueError as error:
            problems.append(f"RETRY_SCHEDULE_DAYS: {error}")
        if not 0.1 <= self.gateway_deadline_s <= 30:
            problems.append("GATEWAY_DEADLINE_S must be between 0.1 and 30")
        if not 1 <= self.gateway_concurrency <= 100:
            problems.append("GATEWAY_CONCURRENCY must be between 1 and 100")
        if problems:
            raise SettingsRefused(problems)

    @property
    def schedule(self) -> schedules.RetrySchedule:
        return schedules.parse_schedule(self.retry_schedule_days)


def read_settings(env: Mapping[str, str] | None = None) -> tuple[RuntimeSettings, PaymentsSettings]:
    """Reads the environment once. Raises SettingsRefused."""
    environment = os.environ if env is None else env
    return load(RuntimeSettings, environment), load(PaymentsSettings, environment)
