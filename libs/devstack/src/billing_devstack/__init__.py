"""The embedded stack: real Postgres, Valkey, Kafka and Envoy from wheels."""
