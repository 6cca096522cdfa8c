"""Settings are complete and make sense, or the service does not start."""

import pytest
from billing_invoicing.config import read_own_settings, read_settings
from billing_runtime.settings import SettingsRefused


def test_defaults():
    own = read_own_settings({"BLOB_URL": "file:///blobs"})
    assert (own.blob_url, own.due_batch_max, own.renewals_chunk, own.pdf_workers) == ("file:///blobs", 1000, 1000, 1)


@pytest.mark.parametrize(
    ("env", "name"),
    [
        ({}, "BLOB_URL"),
        ({"BLOB_URL": "file:///b", "DUE_BATCH_MAX": "0"}, "DUE_BATCH_MAX"),
        ({"BLOB_URL": "file:///b", "DUE_BATCH_MAX": "many"}, "DUE_BATCH_MAX"),
        ({"BLOB_URL": "file:///b", "RENEWALS_CHUNK": "5001"}, "RENEWALS_CHUNK"),
        ({"BLOB_URL": "file:///b", "PEER_DEADLINE_S": "600"}, "PEER_DEADLINE_S"),
        ({"BLOB_URL": "file:///b", "PDF_WORKERS": "0"}, "PDF_WORKERS"),
        ({"BLOB_URL": "file:///b", "TEST_CLOCK_PAUSE_S": "-1"}, "TEST_CLOCK_PAUSE_S"),
        ({"BLOB_URL": "file:///b", "TEST_CLOCK_STEPS_MAX": "0"}, "TEST_CLOCK_STEPS_MAX"),
    ],
)
def test_refused(env, name):
    with pytest.raises(SettingsRefused, match=name):
        read_settings(env)
