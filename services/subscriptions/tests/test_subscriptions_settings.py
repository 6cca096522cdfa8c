"""Settings are complete or refused; the composition root starts a real process's worth of parts."""

import pytest
from billing_devstack import keys as issuer
from billing_runtime.service import start
from billing_runtime.settings import RuntimeSettings, Secret, SettingsRefused, load
from billing_subscriptions.config import Settings, read_settings
from billing_subscriptions.main import service


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "USAGE_ADDRESS"),
        ({"USAGE_ADDRESS": "u:1", "USAGE_DEADLINE_S": "0"}, "USAGE_DEADLINE_S"),
        ({"USAGE_ADDRESS": "u:1", "USAGE_DEADLINE_S": "x"}, "USAGE_DEADLINE_S"),
        ({"USAGE_ADDRESS": "u:1", "DUE_REPUBLISH_AFTER_S": "1"}, "DUE_REPUBLISH_AFTER_S"),
    ],
)
def test_settings_that_are_refused(env, name):
    with pytest.raises(SettingsRefused, match=name):
        load(Settings, env)


def test_settings_of_the_runtime_are_needed():
    with pytest.raises(SettingsRefused, match="DATABASE_URL"):
        read_settings({})


async def test_the_service_starts_and_stops(service_database, tmp_path):
    keys = issuer.ensure(tmp_path)
    settings = RuntimeSettings(
        database_url=Secret(service_database("subscriptions", "billing_subscriptions").database_url),
        grpc_address="127.0.0.1:0",
        user_jwks=str(keys.user_jwks),
        user_issuer=issuer.USER_ISSUER,
        user_audience=issuer.USER_AUDIENCE,
        service_jwks=str(keys.service_jwks),
        service_key=str(keys.service_key("subscriptions")),
        drain_s=1.0,
        drain_notice_s=0.0,
    )
    with pytest.raises(SettingsRefused, match="USAGE_ADDRESS"):
        await start(service(settings), "serve", {})
    running = await start(service(settings), "serve", {"USAGE_ADDRESS": "127.0.0.1:1"})
    assert {job.name for job in running.built.jobs} >= {
        "republish_dues",
        "prune_standings",
        "invariants",
        "outbox_archive",
    }
    await running.stop()
