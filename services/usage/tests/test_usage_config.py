"""Settings are complete or refused."""

from datetime import timedelta

import pytest
from billing_runtime.settings import SettingsRefused, load
from billing_usage.config import UsageSettings


def test_defaults():
    limits = load(UsageSettings, {}).time_limits
    assert (limits.ahead, limits.age) == (timedelta(minutes=5), timedelta(days=400))


@pytest.mark.parametrize(
    "env",
    [
        {"EVENT_AHEAD_MAX_S": "-1"},
        {"EVENT_AGE_MAX_DAYS": "0"},
        {"RECENT_IDS": "0"},
        {"RECENT_IDS": "many"},
        {"RATED_EVENTS_MAX": "0"},
    ],
)
def test_what_makes_no_sense_is_refused(env):
    with pytest.raises(SettingsRefused):
        load(UsageSettings, env)
