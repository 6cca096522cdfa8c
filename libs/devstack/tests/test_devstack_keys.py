"""The development issuer: what it signs can be checked with the key sets that it writes, and nothing lies open."""

from __future__ import annotations

import json
import stat
from uuid import UUID

import jwt
import pytest
from billing_devstack import keys

TENANT = UUID("0190c3b0-0000-7000-8000-000000000001")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return keys.ensure(tmp_path_factory.mktemp("keys"))


def key_of(jwks, kid):
    return next(jwt.PyJWK(key) for key in json.loads(jwks.read_text())["keys"] if key["kid"] == kid)


def test_a_user_token_is_proved_by_the_key_set(made):
    token = keys.mint_user_token(made, "customer", TENANT, "alice", customer_id="cus_1")
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(
        token,
        key_of(made.user_jwks, header["kid"]),
        algorithms=["RS256"],
        issuer="https://issuer.billing.test",
        audience="billing-api",
    )
    assert header["typ"] == "JWT"
    assert {name: claims[name] for name in ("tenant", "role", "customer", "sub")} == {
        "tenant": str(TENANT),
        "role": "customer",
        "customer": "cus_1",
        "sub": "alice",
    }
    assert claims["exp"] - claims["iat"] == 3600


def test_an_expired_token_can_be_made(made):
    token = keys.mint_user_token(made, "billing_admin", TENANT, "alice", ttl=-1)
    kid = jwt.get_unverified_header(token)["kid"]
    with pytest.raises(jwt.ExpiredSignatureError):
        jwt.decode(token, key_of(made.user_jwks, kid), algorithms=["RS256"], audience="billing-api")


@pytest.mark.parametrize(
    ("role", "customer_id"), [("service", None), ("customer", None), ("billing_admin", "cus_1"), ("", None)]
)
def test_a_token_that_makes_no_sense_is_refused(made, role, customer_id):
    with pytest.raises(ValueError):
        keys.mint_user_token(made, role, TENANT, "alice", customer_id=customer_id)


@pytest.mark.parametrize("service", keys.SERVICES)
def test_each_service_signs_with_its_own_key(made, service):
    private = json.loads(made.service_key(service).read_text())
    token = jwt.encode({"iss": service}, jwt.PyJWK(private).key, algorithm="ES256")
    assert private["kid"].startswith(f"{service}.")
    assert jwt.decode(token, key_of(made.service_jwks, private["kid"]), algorithms=["ES256"]) == {"iss": service}


def test_key_sets_hold_public_halves_only_and_files_are_private(made):
    for path in (made.user_jwks, made.service_jwks):
        assert all("d" not in key for key in json.loads(path.read_text())["keys"])
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.folder.iterdir()} == {0o600}


def test_keys_stay_the_same(made):
    before = made.user_jwks.read_bytes(), made.service_jwks.read_bytes()
    keys.ensure(made.folder)
    assert (made.user_jwks.read_bytes(), made.service_jwks.read_bytes()) == before
