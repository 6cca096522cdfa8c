"""The rendered configuration: each value that keeps the edge safe is there, and Envoy accepts the whole."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from billing_devstack import envoy
from billing_gateway import edge
from billing_gateway.__main__ import main
from billing_runtime.settings import SettingsRefused


@pytest.fixture(scope="module")
def rendered(make_settings, tmp_path_factory) -> Path:
    return edge.write(make_settings(edge_cors_origins=("https://app.test",)), tmp_path_factory.mktemp("rendered"))


@pytest.fixture(scope="module")
def config(rendered) -> Any:
    return yaml.safe_load(rendered.read_text())


@pytest.fixture(scope="module")
def manager(config) -> Any:
    return config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


@pytest.fixture(scope="module")
def filters(manager) -> dict[str, Any]:
    return {each["name"]: each["typed_config"] for each in manager["http_filters"]}


def at(node: Any, path: str) -> Any:
    for step in path.split("/"):
        node = node[int(step)] if step.isdigit() else node[step]
    return node


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("use_remote_address", True),
        ("xff_num_trusted_hops", 0),
        ("internal_address_config", {"unix_sockets": False}),
        ("forward_client_cert_details", "SANITIZE"),
        ("normalize_path", True),
        ("merge_slashes", True),
        ("path_with_escaped_slashes_action", "REJECT_REQUEST"),
        ("max_request_headers_kb", 8),
        ("request_timeout", "30s"),
        ("request_headers_timeout", "10s"),
        ("stream_idle_timeout", "300s"),
        ("common_http_protocol_options/headers_with_underscores_action", "REJECT_REQUEST"),
        ("common_http_protocol_options/max_headers_count", 64),
        ("http2_protocol_options/max_concurrent_streams", 100),
        ("http2_protocol_options/initial_stream_window_size", 65536),
        ("http2_protocol_options/initial_connection_window_size", 1048576),
        ("server_header_transformation", "OVERWRITE"),
        ("server_name", "edge"),
    ],
)
def test_connection_manager(manager, path, wanted):
    assert at(manager, path) == wanted


@pytest.mark.parametrize(
    ("name", "path", "wanted"),
    [
        ("jwt_authn", "providers/users/forward", True),
        ("jwt_authn", "providers/users/require_expiration", True),
        ("jwt_authn", "providers/users/clock_skew_seconds", 30),
        ("jwt_authn", "providers/users/audiences", ["billing-api"]),
        ("jwt_authn", "providers/users/from_headers/0/name", "authorization"),
        ("buffer", "max_request_bytes", 4 << 20),
        ("local_ratelimit", "descriptors/0/token_bucket/max_tokens", 1000),
        ("local_ratelimit", "descriptors/0/entries", [{"key": "tenant"}]),
        ("local_ratelimit", "response_headers_to_add/0/header", {"key": "retry-after", "value": "1"}),
        ("grpc_json_transcoder", "request_validation_options/reject_unknown_method", True),
        ("grpc_json_transcoder", "request_validation_options/reject_unknown_query_parameters", True),
        ("grpc_json_transcoder", "request_validation_options/reject_binding_body_field_collisions", True),
        ("grpc_json_transcoder", "print_options/preserve_proto_field_names", True),
        ("grpc_json_transcoder", "convert_grpc_status", True),
        ("router", "suppress_envoy_headers", True),
    ],
)
def test_filters(filters, name, path, wanted):
    assert at(filters[f"envoy.filters.http.{name}"], path) == wanted


def test_order_of_the_filters(manager):
    names = [each["name"].removeprefix("envoy.filters.http.") for each in manager["http_filters"]]
    assert names == [
        *("cors", "health_check", "readyz", "grpc_web", "jwt_authn", "local_ratelimit", "buffer", "lua"),
        *("compressor", "grpc_json_transcoder", "grpc_stats", "router"),
    ]


def test_only_the_documents_need_no_token(filters):
    *opened, rest = filters["envoy.filters.http.jwt_authn"]["rules"]
    assert [each["match"] for each in opened] == [{"path": "/"}, {"path": "/docs"}, {"path": "/openapi.json"}]
    assert rest == {"match": {"prefix": "/"}, "requires": {"provider_name": "users"}}


def test_identity_headers_are_taken_off_before_any_filter(manager):
    extension = manager["early_header_mutation_extensions"][0]["typed_config"]
    removed = {each["remove"] for each in extension["mutations"]}
    assert {"x-tenant-id", "x-user-id", "x-jwt-payload", "x-forwarded-client-cert", "x-envoy-original-path"} <= removed


def test_overload_and_admin(config):
    assert at(config, "admin/address/socket_address/address") == "127.0.0.1"
    monitors = {each["name"].rpartition(".")[2] for each in at(config, "overload_manager/resource_monitors")}
    assert monitors == {"global_downstream_max_connections", "fixed_heap"}
    runtime = at(config, "layered_runtime/layers/0/static_layer")
    assert runtime["overload.premature_reset_total_stream_count"] == 200
    assert at(config, "static_resources/listeners/0/per_connection_buffer_limit_bytes") == 65536
    assert at(config, "static_resources/listeners/0/address/socket_address/address") == "127.0.0.1"


def test_every_cluster_is_watched_and_limited(config):
    clusters = at(config, "static_resources/clusters")
    assert [each["name"] for each in clusters] == ["subscriptions", "usage", "invoicing", "tax", "payments"]
    for cluster in clusters:
        assert cluster["health_checks"][0]["grpc_health_check"] == {}
        assert cluster["common_lb_config"]["healthy_panic_threshold"] == {"value": 0}
        assert at(cluster, "circuit_breakers/thresholds/0/max_requests") == 1024
        assert cluster["outlier_detection"]["max_ejection_percent"] == 50


def test_mutations_are_repeated_only_when_they_were_not_sent(manager):
    routes = at(manager, "route_config/virtual_hosts/0/routes")
    policies = [each["route"]["retry_policy"]["retry_on"] for each in routes if "retry_policy" in each.get("route", {})]
    assert set(policies) == {"connect-failure,refused-stream"}


def test_envoy_accepts_it(rendered):
    envoy.validate(rendered)


@pytest.mark.parametrize(
    "changes",
    [
        {"otlp_endpoint": "http://127.0.0.1:4317", "trace_sample_rate": 1.0},
        {"tax_address": "tax.billing.svc:50054"},
        {"user_issuer": 'https://"quoted": {{ x }}'},
        {"edge_address": "[::1]:8080"},
    ],
)
def test_envoy_accepts_other_settings(make_settings, tmp_path, changes):
    envoy.validate(edge.write(make_settings(**changes), tmp_path))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"edge_admin_address": "0.0.0.0:9901"}, "EDGE_ADMIN_ADDRESS must be on loopback"),
        ({"edge_address": "8080"}, "EDGE_ADDRESS must be host:port"),
        ({"tax_address": "tax:http"}, "TAX_ADDRESS must be host:port"),
        ({"edge_cors_origins": ("*",)}, "EDGE_CORS_ORIGINS"),
        ({"edge_cors_origins": ("https://a.test/path",)}, "EDGE_CORS_ORIGINS"),
        ({"edge_tenant_rate_per_s": 0}, "EDGE_TENANT_RATE_PER_S"),
        ({"otlp_endpoint": "collector"}, "OTLP_ENDPOINT"),
        ({"user_jwks": Path("/nowhere.json")}, "USER_JWKS must be the path"),
    ],
)
def test_settings_that_are_refused(make_settings, changes, problem):
    with pytest.raises(SettingsRefused, match=re.escape(problem)):
        make_settings(**changes)


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ({"kty": "oct", "k": "c2VjcmV0"}, "RS256 keys and nothing else"),
        ({"kty": "RSA", "alg": "RS512", "n": "AQ", "e": "AQ"}, "RS256 keys and nothing else"),
        ({"kty": "RSA", "alg": "RS256", "n": "AQ", "e": "AQ", "d": "AQ"}, "holds a private key"),
    ],
)
def test_key_sets_that_are_refused(make_settings, tmp_path, key, problem):
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key]}))
    with pytest.raises(SettingsRefused, match=problem):
        make_settings(user_jwks=tmp_path / "jwks.json")


def test_the_command_says_what_is_missing(monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("USER_JWKS", raising=False)
    assert main(["render", "--out", str(tmp_path)]) == 2
    assert "USER_JWKS is missing" in capsys.readouterr().err
