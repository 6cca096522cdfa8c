"""Settings, hashes, masks and keys: values in, values out."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from billing.common.v1 import money_pb2
from billing.subscriptions.v1.subscriptions_service_pb2 import GetSubscriptionRequest
from billing_runtime import validation
from billing_runtime.hashing import canonical_json, content_hash
from billing_runtime.keys import KeysRefused, read_key_set, read_signing_key
from billing_runtime.logs import mask
from billing_runtime.settings import RuntimeSettings, Secret, SettingsRefused, load
from buf.validate import validate_pb2
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class Sample:
    name: str
    secret: Secret
    count: int = 3
    rate: float = 0.5
    on: bool = False
    place: Path | None = None
    words: tuple[str, ...] = ()


def test_settings_are_typed():
    env = {"NAME": "a", "SECRET": "s3cret", "COUNT": "7", "RATE": "0.1", "ON": "true", "PLACE": "/x", "WORDS": "a, b"}
    assert load(Sample, env) == Sample("a", Secret("s3cret"), 7, 0.1, True, Path("/x"), ("a", "b"))
    assert "s3cret" not in repr(load(Sample, env))
    assert load(Sample, {"NAME": "a", "SECRET": "b", "COUNT": ""}).count == 3


def test_every_problem_is_named_and_no_value():
    with pytest.raises(SettingsRefused) as refused:
        load(Sample, {"SECRET": "", "COUNT": "many", "ON": "yes"})
    assert refused.value.problems == (
        "NAME is missing",
        "SECRET is missing",
        "COUNT is not a valid int",
        "ON is not a valid bool",
    )
    assert "many" not in str(refused.value)


BASE = {
    "DATABASE_URL": "postgresql://a:b@h/d",
    "GRPC_ADDRESS": "127.0.0.1:50054",
    "USER_JWKS": "u.json",
    "USER_ISSUER": "https://i",
    "USER_AUDIENCE": "aud",
    "SERVICE_JWKS": "s.json",
    "SERVICE_KEY": "k.pem",
}


def test_runtime_settings():
    settings = load(RuntimeSettings, BASE)
    assert settings.metrics_bind == ("127.0.0.1", 51054)
    assert load(RuntimeSettings, BASE | {"METRICS_ADDRESS": "127.0.0.1:9"}).metrics_bind == ("127.0.0.1", 9)


@pytest.mark.parametrize(
    "change",
    [
        {"GRPC_ADDRESS": "50054"},
        {"GRPC_ADDRESS": "h:x"},
        {"METRICS_ADDRESS": "h:99999"},
        {"TRACE_SAMPLE_RATE": "2"},
        {"TRACE_SAMPLE_RATE": "nan"},
        {"DRAIN_S": "-1"},
        {"LOG_LEVEL": "loud"},
        {"DATABASE_POOL_MAX": "0"},
        {"DATABASE_POOL_MAX": "100"},
    ],
)
def test_senseless_settings_are_refused(change):
    with pytest.raises(SettingsRefused):
        load(RuntimeSettings, BASE | change)


def test_content_hash_is_canonical():
    assert canonical_json({"b": 1, "a": [True, None, "é"]}) == '{"a":[true,null,"é"],"b":1}'.encode()
    money = money_pb2.Money(currency_code="EUR", amount_minor=2**60)
    assert canonical_json(money) == b'{"amount_minor":"1152921504606846976","currency_code":"EUR"}'
    assert content_hash(money) == content_hash({"currency_code": "EUR", "amount_minor": str(2**60)})
    assert content_hash({})[0] == 1


def test_numbers_that_json_cannot_hold_are_refused():
    with pytest.raises(ValueError):
        content_hash({"n": 2**60})


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("password", "x", "***"),
        ("api_key", "x", "***"),
        ("url", "postgresql://app:hunter2@db/x", "postgresql://***@db/x"),
        ("note", "got Bearer abc.def", "got ***"),
        ("note", "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.sig", "***"),
        ("note", "card 4111 1111 1111 1111 declined", "card *** declined"),
        ("note", "order 1234567890123", "order 1234567890123"),
        ("key", "cus_1", "cus_1"),
        ("tenant_id", "01900000-0000-7000-8000-000000000001", "01900000-0000-7000-8000-000000000001"),
        ("nested", {"token": "t", "list": ["4111111111111111"]}, {"token": "***", "list": ["***"]}),
    ],
)
def test_secrets_are_masked(key, value, shown):
    assert mask(None, "info", {key: value}) == {key: shown}


P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
WEAK = rsa.generate_private_key(65537, 1024)


def _ec(key, **more):
    return {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "tax.1", **more}


@pytest.mark.parametrize(
    ("keys", "algorithm"),
    [
        ([], "ES256"),
        ([_ec(P384)], "ES256"),
        ([_ec(P256)], "RS256"),
        ([_ec(P256, alg="ES384")], "ES256"),
        ([_ec(P256, use="enc")], "ES256"),
        ([_ec(P256), _ec(P256)], "ES256"),
        ([{**_ec(P256), "kid": 7}], "ES256"),
        ([{k: v for k, v in _ec(P256).items() if k != "kid"}], "ES256"),
        ([{**ECAlgorithm.to_jwk(P256, as_dict=True), "kid": "tax.1"}], "ES256"),
        ([{**RSAAlgorithm.to_jwk(WEAK.public_key(), as_dict=True), "kid": "u"}], "RS256"),
        ([{**HMACAlgorithm.to_jwk(b"x" * 32, as_dict=True), "kid": "u"}], "RS256"),
    ],
)
def test_unfit_key_sets_are_refused(tmp_path, keys, algorithm):
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": keys}))
    with pytest.raises(KeysRefused):
        read_key_set(str(path), algorithm)


@pytest.mark.parametrize(
    "source", ["/nowhere.json", "http://example.test/keys.json", "file:///etc/passwd", "ftp://h/x"]
)
def test_unfit_sources_are_refused(source):
    with pytest.raises(KeysRefused):
        read_key_set(source, "RS256")


def test_signing_key_must_be_known_to_the_mesh(tmp_path):
    (tmp_path / "set.json").write_text(json.dumps({"keys": [_ec(P256)]}))
    own = tmp_path / "own.json"
    own.write_text(json.dumps({**ECAlgorithm.to_jwk(P256, as_dict=True), "kid": "tax.1"}))
    key = read_signing_key(str(own), str(tmp_path / "set.json"))
    assert (key.service, key.kid) == ("tax", "tax.1")
    stranger = ec.generate_private_key(ec.SECP256R1())
    own.write_text(json.dumps(ECAlgorithm.to_jwk(stranger, as_dict=True)))
    with pytest.raises(KeysRefused):
        read_signing_key(str(own), str(tmp_path / "set.json"))


def test_only_rules_that_ask_the_time_keep_a_request_from_being_remembered():
    assert validation.is_timeless(struct_pb2.Struct)  # contains itself
    assert validation.is_timeless(GetSubscriptionRequest)
    assert not validation.is_timeless(timed_message())


def timed_message():
    """A message whose field must not lie in the future."""
    rules = validate_pb2.FieldRules(timestamp=validate_pb2.TimestampRules(lt_now=True))
    options = descriptor_pb2.FieldOptions()
    options.Extensions[validate_pb2.field].CopyFrom(rules)
    file = descriptor_pb2.FileDescriptorProto(name="timed_test.proto", package="timed_test", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    file.message_type.add(name="Timed").field.add(
        name="at", number=1, type=11, label=1, type_name=".google.protobuf.Timestamp", options=options
    )
    outer = file.message_type.add(name="Outer")
    outer.field.add(name="timed", number=1, type=11, label=3, type_name=".timed_test.Timed")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("timed_test.Outer"))
