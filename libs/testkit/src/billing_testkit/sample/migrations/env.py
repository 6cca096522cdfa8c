from billing_runtime.migrations import run_env

from billing_testkit.sample.tables import METADATA

run_env(METADATA)
