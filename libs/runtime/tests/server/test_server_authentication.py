"""Every bad token is refused alike; good ones become the call's context; no header says who is calling."""

import base64
import json
import time

import grpc
import jwt
import pytest
from billing_runtime.call import Role
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def _unsigned(claims):
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=")
        for p in ({"alg": "none", "kid": "users.1"}, claims)
    ]
    return b".".join([*parts, b""]).decode()


def _confused(ring):
    """HS256 with the public key as the secret."""
    import hashlib
    import hmac

    pem = ring.user.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "kid": "users.1", "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, ring.user_claims())]
    signature = hmac.new(pem, b".".join(parts), hashlib.sha256).digest()
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


NOW = time.time()
BAD = {
    "alg none": lambda r: _unsigned(r.user_claims()),
    "hs256 with the public key": _confused,
    "hs256": lambda r: jwt.encode(r.user_claims(), "x" * 32, "HS256", {"kid": "users.1"}),
    "expired": lambda r: r.user_token(exp=int(NOW) - 3600),
    "no exp": lambda r: r.user_token(exp=None),
    "not yet valid": lambda r: r.user_token(nbf=int(NOW) + 3600),
    "issued in the future": lambda r: r.user_token(iat=int(NOW) + 3600),
    "other issuer": lambda r: r.user_token(iss="https://evil.test"),
    "other audience": lambda r: r.user_token(aud="other"),
    "no audience": lambda r: r.user_token(aud=None),
    "no tenant": lambda r: r.user_token(tenant=None),
    "tenant is no uuid": lambda r: r.user_token(tenant="acme"),
    "tenant is a number": lambda r: r.user_token(tenant=7),
    "no subject": lambda r: r.user_token(sub=None),
    "subject with newline": lambda r: r.user_token(sub="a\nb"),
    "no role": lambda r: r.user_token(role=None),
    "unknown role": lambda r: r.user_token(role="root"),
    "role service for a user": lambda r: r.user_token(role="service"),
    "customer without id": lambda r: r.user_token(role="customer"),
    "customer with a bad id": lambda r: r.user_token(role="customer", customer="cus_zzz"),
    "forged signature": lambda r: r.user_token()[:-6] + "AAAAAA",
    "key of another": lambda r: jwt.encode(
        r.user_claims(), rsa.generate_private_key(65537, 2048), "RS256", {"kid": "users.1"}
    ),
    "unknown kid": lambda r: r.user_token({"kid": "users.9"}),
    "no kid": lambda r: jwt.encode(r.user_claims(), r.user, "RS256"),
    "kid is a path": lambda r: r.user_token({"kid": "../../etc/passwd"}),
    "strange typ": lambda r: r.user_token({"kid": "users.1", "typ": "secevent+jwt"}),
    "jwk in the header": lambda r: r.user_token({"kid": "users.1", "jwk": {"kty": "oct", "k": "AA"}}),
    "crit in the header": lambda r: r.user_token({"kid": "users.1", "crit": ["exp"]}),
    "service kid under RS256": lambda r: r.user_token({"kid": "caller.1"}),
    "service token of plain type": lambda r: r.peer_token({"typ": "JWT"}),
    "service token for another": lambda r: r.peer_token(aud="payments"),
    "service token of a stranger": lambda r: r.peer_token(key="stranger"),
    "service in another's name": lambda r: r.peer_token(iss="tax"),
    "service without actor": lambda r: r.peer_token(act=None),
    "service without cause": lambda r: r.peer_token(cause=None),
    "service token for a day": lambda r: r.peer_token(exp=int(NOW) + 86400),
    "too long": lambda r: r.user_token(note="x" * 9000),
    "no token at all": lambda r: "",
    "not a token": lambda r: "abc",
    "not base64": lambda r: "~.~.~",
    "customer is a number": lambda r: r.user_token(role="customer", customer=7),
    "roles is a number": lambda r: r.user_token(role=None, roles=7),
    "roles is a text that holds a role": lambda r: r.user_token(role=None, roles="not_billing_admin"),
    "roles is an object": lambda r: r.user_token(role=None, roles={"billing_admin": False}),
    "tenant is a list": lambda r: r.user_token(tenant=["a"]),
}


@pytest.mark.parametrize("case", BAD)
async def test_bad_token_is_refused(world, ring, case):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.ask("Get", BAD[case](ring), text="x")
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert refused.value.details() == "a valid bearer token is required"
    assert world.echo.seen == []


@pytest.mark.parametrize("header", [[], [("authorization", "Basic YTpi")], [("authorization", "Bearer")]])
async def test_other_authorization_is_refused(world, header):
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.raw("Get", b"", *header)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_identity_headers_are_not_trusted(world, ring, contract):
    headers = [("x-tenant-id", "01900000-0000-7000-8000-0000000000ff"), ("x-user-id", "root"), ("x-jwt-payload", "e30")]
    await world.ask("Get", ring.user_token(role="billing_viewer"), *headers, text="x")
    (call,) = world.echo.seen
    assert (call.tenant_id, call.actor, call.role) == (contract.tenant, "user:alice", Role.BILLING_VIEWER)
    assert call.customer_id is None
    assert len(call.correlation_id) == 32


@pytest.mark.parametrize("form", [str, lambda uuid: __import__("billing_kernel.ids").ids.encode("cus", uuid)])
async def test_customer_is_known(world, ring, contract, form):
    await world.ask("Get", ring.user_token(role="customer", customer=form(contract.customer)), text="x")
    assert world.echo.seen[0].customer_id == contract.customer


async def test_service_token_carries_tenant_actor_and_cause(world, ring, contract):
    await world.ask("Inside", ring.peer_token(), ("x-correlation-id", "run-7"), text="x")
    (call,) = world.echo.seen
    assert (call.tenant_id, call.actor, call.role) == (contract.tenant, "user:alice", Role.SERVICE)
    assert (call.causation_id, call.correlation_id) == ("event-1", "run-7")


async def test_cached_verdict_ends_with_the_token(world, ring):
    token = ring.user_token(exp=int(time.time()) - 28)  # inside the leeway, but not worth a cached verdict
    await world.ask("Get", token, text="x")
    assert world.running is not None


@pytest.mark.parametrize(
    ("method", "token", "allowed"),
    [
        ("Get", {"role": "billing_admin"}, True),
        ("Get", {"role": "billing_viewer"}, True),
        ("Create", {"role": "billing_admin"}, True),
        ("Create", {"role": "billing_viewer"}, False),
        ("Create", {"role": "customer", "customer": "01900000-0000-7000-8000-000000000002"}, False),
        ("Inside", {"role": "billing_admin"}, False),
        ("Get", None, True),
        ("Create", None, True),
        ("Inside", None, True),
    ],
)
async def test_access_follows_the_method_option(world, ring, method, token, allowed):
    bearer = ring.peer_token() if token is None else ring.user_token(**token)
    if allowed:
        assert (await world.ask(method, bearer, text="x")).text == "x"
        return
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await world.ask(method, bearer, text="x")
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert world.echo.seen == []
