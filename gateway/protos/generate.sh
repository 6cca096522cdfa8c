#!/bin/sh
# Writes the guard's protocol into the package; a test fails when it is stale.
cd "$(dirname "$0")/.." && exec "${PYTHON:-../.venv/bin/python}" -m grpc_tools.protoc --proto_path=protos \
  --plugin=protoc-gen-mypy="$(dirname "${PYTHON:-../.venv/bin/python}")/protoc-gen-mypy" \
  --python_out="${1:-src/billing_gateway/guard}" --mypy_out=quiet:"${1:-src/billing_gateway/guard}" external_processor.proto
