from billing_runtime.migrations import run_env

from billing_payments.storage.tables import METADATA

run_env(METADATA)
