"""The edge: Envoy configuration, strict JSON, OpenAPI."""
