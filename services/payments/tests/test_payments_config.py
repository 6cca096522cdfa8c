"""Settings: complete or refused."""

from datetime import timedelta

import pytest
from billing_payments.config import PaymentsSettings, read_settings
from billing_runtime.settings import SettingsRefused, load

COMMON = {
    "DATABASE_URL": "postgresql://billing_payments:secret@127.0.0.1/billing_payments",
    "GRPC_ADDRESS": "127.0.0.1:50055",
    "USER_JWKS": "users.json",
    "USER_ISSUER": "issuer",
    "USER_AUDIENCE": "audience",
    "SERVICE_JWKS": "services.json",
    "SERVICE_KEY": "key.pem",
}


def test_defaults():
    _, own = read_settings(COMMON)
    assert own.schedule.delays == tuple(timedelta(days=days) for days in (3, 5, 7, 7))
    assert (own.gateway_deadline_s, own.gateway_concurrency) == (5.0, 32)


@pytest.mark.parametrize(("text", "days"), [("8, 8,8", [8, 8, 8]), ("none", []), ("1", [1])])
def test_schedules(text, days):
    own = load(PaymentsSettings, {"RETRY_SCHEDULE_DAYS": text})
    assert [delay.days for delay in own.schedule.delays] == days


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("RETRY_SCHEDULE_DAYS", "3,0"),
        ("RETRY_SCHEDULE_DAYS", "soon"),
        ("RETRY_SCHEDULE_DAYS", ","),
        ("GATEWAY_DEADLINE_S", "0"),
        ("GATEWAY_DEADLINE_S", "nan"),
        ("GATEWAY_DEADLINE_S", "31"),
        ("GATEWAY_CONCURRENCY", "0"),
        ("GATEWAY_CONCURRENCY", "101"),
        ("GATEWAY_CONCURRENCY", "many"),
    ],
)
def test_refused(name, text):
    with pytest.raises(SettingsRefused, match=name):
        read_settings({**COMMON, name: text})


def test_a_missing_setting_is_named():
    with pytest.raises(SettingsRefused, match="DATABASE_URL"):
        read_settings({})
