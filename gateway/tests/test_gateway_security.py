"""Who gets in: tokens, spoofed headers, other origins, too many calls, internal methods; over REST and gRPC."""

import asyncio
import base64
import hmac
import json
import struct
import time
from uuid import uuid4

import grpc
import jwt
import pytest
from billing_devstack import keys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

PATH = "/v1/customers/cus_1"
CALCULATE = "/billing.tax.v1.TaxService/CalculateTax"
INTERNAL = [
    "/billing.tax.v1.TaxService/BatchCalculateTax",
    "/billing.common.v1.ClockService/SetClock",
    "/billing.subscriptions.v1.RenewalsService/RunRenewals",
    "/billing.usage.v1.RatingService/BatchRateUsage",
    "/billing.payments.v1.PaymentsService/RunPaymentRetries",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/grpc.health.v1.Health/Check",
]


def claims(**changes):
    now = int(time.time())
    base = {"iss": keys.USER_ISSUER, "aud": keys.USER_AUDIENCE, "sub": "mallory", "iat": now, "exp": now + 600}
    return {name: value for name, value in (base | {"tenant": str(uuid4())} | changes).items() if value is not None}


def signed(world, key=None, algorithm="RS256", **changes):
    own = load_pem_private_key(world.ring.user_key.read_bytes(), None)
    kid = json.loads(world.ring.user_jwks.read_text())["keys"][0]["kid"]
    return jwt.encode(claims(**changes), key if key is not None else own, algorithm, {"kid": kid})


def unsigned(world):
    return jwt.encode(claims(), None, "none")


def bent(world):
    head, _, signature = signed(world).split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(role="billing_admin")).encode()).rstrip(b"=").decode()
    return f"{head}.{payload}.{signature}"


def with_the_public_key(world):
    """HS256 over what everybody may know: the classic confusion of algorithms."""
    head = signed(world, b"s" * 64, "HS256").rpartition(".")[0]
    digest = hmac.digest(world.ring.user_jwks.read_bytes(), head.encode(), "sha256")
    return f"{head}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


BAD_TOKENS = {
    "none": unsigned,
    "forged": lambda world: signed(world, rsa.generate_private_key(65537, 2048)),
    "bent": bent,
    "shared secret": lambda world: signed(world, b"s" * 64, "HS256"),
    "key as secret": with_the_public_key,
    "other algorithm": lambda world: signed(world, algorithm="RS512"),
    "expired": lambda world: signed(world, exp=int(time.time()) - 60),
    "not yet": lambda world: signed(world, nbf=int(time.time()) + 600),
    "endless": lambda world: signed(world, exp=None),
    "other issuer": lambda world: signed(world, iss="https://evil.test"),
    "other audience": lambda world: signed(world, aud="other-api"),
    "no audience": lambda world: signed(world, aud=None),
    "empty": lambda world: "..",
    "rubbish": lambda world: "a.b.c",
}


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_bad_tokens(world, http, make):
    token = make(world)
    answer = await http.get(PATH, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.json()["code"] == 16
    assert answer.json()["details"][0]["reason"] == "UNAUTHENTICATED"
    async with grpc.aio.insecure_channel(world.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(CALCULATE)(b"", metadata=[("authorization", f"Bearer {token}")], timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert "{" not in refused.value.details()
    assert world.upstream.seen == []


async def test_a_token_belongs_into_its_header(world, http):
    assert (await http.get(PATH)).status_code == 401
    assert (await http.get(f"{PATH}?access_token={world.token()}")).status_code == 401
    assert (await http.get(PATH, headers={"authorization": f"Basic {world.token()}"})).status_code == 401


SPOOFED = {
    "x-tenant-id": "evil",
    "x-user-id": "evil",
    "x-jwt-payload": "evil",
    "x-forwarded-client-cert": "evil",
    "x-envoy-original-path": "/evil",
    "x-envoy-retry-on": "5xx",
    "x-envoy-upstream-rq-timeout-ms": "1",
}


async def test_identity_headers_never_arrive(world, http):
    assert (await http.get(PATH, headers={**world.bearer(), **SPOOFED})).status_code == 200
    async with grpc.aio.insecure_channel(world.target) as channel:
        metadata = [("authorization", f"Bearer {world.token()}"), *SPOOFED.items()]
        await channel.unary_unary(CALCULATE)(b"", metadata=metadata, timeout=5)
    assert len(world.upstream.seen) == 2
    for _, seen, _ in world.upstream.seen:
        assert "evil" not in " ".join(map(str, seen.values()))
        assert not {"x-envoy-retry-on", "x-envoy-upstream-rq-timeout-ms"} & seen.keys()


async def test_a_spoofed_path_does_not_change_the_shape_of_errors(world):
    async with grpc.aio.insecure_channel(world.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(CALCULATE)(b"", metadata=[("x-envoy-original-path", "/v1/x")], timeout=5)
    assert refused.value.details() == "Jwt is missing"


@pytest.mark.parametrize("path", INTERNAL)
async def test_internal_methods_are_not_routed(world, http, path):
    async with grpc.aio.insecure_channel(world.target) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await channel.unary_unary(path)(b"", metadata=[("authorization", f"Bearer {world.token()}")], timeout=5)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    answer = await http.post(path, content="{}", headers={**world.bearer(), "content-type": "application/json"})
    assert answer.status_code in (404, 415)
    assert world.upstream.seen == []


async def test_internal_methods_have_no_route_at_all(world, contract):
    text = (world.folder / "envoy.yaml").read_text()
    public = {method.path for method in contract.methods}
    routed = {line.split("path: ")[1].split(",")[0] for line in text.splitlines() if "match: {path: /billing." in line}
    assert routed == public


async def test_each_tenant_has_its_rate(edges, http, ready):
    slow = await edges(edge_tenant_rate_per_s=5)
    one = {"authorization": f"Bearer {slow.token(tenant=str(uuid4()))}"}
    two = {"authorization": f"Bearer {slow.token(tenant=str(uuid4()))}"}
    await ready(slow)
    answers = await asyncio.gather(*(http.get(f"{slow.url}{PATH}", headers=one) for _ in range(20)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 10 <= len(refused) <= 15
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].json()["code"] == 8
    assert refused[0].json()["details"][0]["reason"] == "RATE_LIMITED"
    assert (await http.get(f"{slow.url}{PATH}", headers=two)).status_code == 200
    async with grpc.aio.insecure_channel(slow.target) as channel:
        calls = [channel.unary_unary(CALCULATE)(b"", metadata=list(one.items()), timeout=5) for _ in range(20)]
        codes = [getattr(each, "code", lambda: None)() for each in await asyncio.gather(*calls, return_exceptions=True)]
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes


ASK = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,idempotency-key"}


async def test_a_known_origin_may_call(world, http):
    for path in ("/v1/customers", CALCULATE):
        answer = await http.options(path, headers={"origin": "https://app.billing.test", **ASK})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "https://app.billing.test"
        assert "idempotency-key" in answer.headers["access-control-allow-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    answer = await http.get(PATH, headers={**world.bearer(), "origin": "https://app.billing.test"})
    assert answer.headers["access-control-allow-origin"] == "https://app.billing.test"
    assert "retry-after" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "https://app.billing.test.evil.test"])
async def test_other_origins_may_not(world, http, origin):
    asked = await http.options("/v1/customers", headers={"origin": origin, **ASK})
    got = await http.get(PATH, headers={**world.bearer(), "origin": origin})
    assert "access-control-allow-origin" not in {*asked.headers, *got.headers}


async def test_grpc_web(world, http):
    frame = struct.pack(">BI", 0, 0)
    for media, body in (("application/grpc-web+proto", frame), ("application/grpc-web-text", base64.b64encode(frame))):
        own = {"content-type": media, "x-grpc-web": "1"}
        answer = await http.post(CALCULATE, content=body, headers={**world.bearer(), **own})
        assert answer.status_code == 200
        assert b"grpc-status:0" in answer.content
        answer = await http.post(CALCULATE, content=body, headers=own)
        assert answer.headers["grpc-status"] == "16"
    assert len(world.upstream.seen) == 2


async def test_the_deadline_of_a_call_is_bounded(world, http):
    await http.get(PATH, headers={**world.bearer(), "grpc-timeout": "600S"})
    await http.get(PATH, headers={**world.bearer(), "grpc-timeout": "500m"})
    long, short = (metadata.get("grpc-timeout", "") for _, metadata, _ in world.upstream.seen)
    assert not long.startswith("600")
    assert short != long or not short
