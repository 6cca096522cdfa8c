"""The client process: a load as JSON on stdin, what came of it as JSON on stdout. `run(Load(...))` starts one."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tests.bench.h2 import Template, drive

CONNECTIONS = 8
STREAMS = 10
ALIKE_BYTES = 16


@dataclass(frozen=True)
class Load:
    """`body` and `expected` as hex. An answer is good when it equals `expected`; with `alike` it is about as long.

    With `bodies`, all as long as `body`, each call sends the next one, and no more calls than bodies are made.
    """

    address: str
    headers: Sequence[Sequence[str]]
    body: str
    expected: str
    alike: bool = False
    key_prefix: str = ""
    seconds: float = 1.5
    warm_s: float = 0.3
    connections: int = CONNECTIONS
    streams: int = STREAMS
    bodies: Sequence[str] = ()
    alike_bytes: int = ALIKE_BYTES


@dataclass(frozen=True)
class Result:
    """`per_s`: answers a second while measured; `done`: all, with warming up. Latencies in milliseconds;
    `client_cpu`: the share of one core that the client took."""

    per_s: float
    done: int
    wrong: int
    p50_ms: float
    p99_ms: float
    client_cpu: float
    sample: str = ""


class WrongAnswers(AssertionError):
    """Answers that were not what they should have been."""


def run(load: Load) -> Result:
    """Runs the load in a process of its own. Raises WrongAnswers."""
    given = json.dumps(asdict(load))
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"], input=given, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise WrongAnswers(done.stderr[-2000:])
    result = Result(**json.loads(done.stdout))
    if result.wrong or not result.done:
        raise WrongAnswers(f"{result.wrong} of {result.done} answers are wrong, one of them: {result.sample}")
    return result


def grpc_headers(address: str, path: str, token: str = "") -> list[tuple[str, str]]:
    """What a gRPC client sends."""
    first = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", address)]
    rest = [("te", "trailers"), ("content-type", "application/grpc"), ("grpc-timeout", "20S")]
    return [*first, *rest, *([("authorization", f"Bearer {token}")] if token else [])]


def grpc_frame(message: bytes) -> bytes:
    """A message with the prefix of gRPC."""
    return b"\x00" + len(message).to_bytes(4, "big") + message


def main() -> None:
    load = Load(**json.loads(sys.stdin.read()))
    expected = bytes.fromhex(load.expected)
    template = Template(
        [(name, value) for name, value in load.headers],
        bytes.fromhex(load.body),
        "idempotency-key" if load.key_prefix else "",
        load.key_prefix,
        [bytes.fromhex(body) for body in load.bodies],
    )

    def alike(answer: bytes) -> bool:
        return answer[:1] == expected[:1] and abs(len(answer) - len(expected)) <= load.alike_bytes

    began_s = time.process_time()
    clock_s = time.perf_counter()
    tally, counted, took_s = drive(
        load.address,
        template,
        alike if load.alike else expected.__eq__,
        seconds=load.seconds,
        warm_s=load.warm_s,
        connections=load.connections,
        streams=load.streams,
    )
    cuts = statistics.quantiles(tally.latencies_s, n=100) if len(tally.latencies_s) > 1 else [0.0] * 99
    cpu = (time.process_time() - began_s) / (time.perf_counter() - clock_s)
    latencies = (cuts[49] * 1000, cuts[98] * 1000)
    result = Result(counted / took_s, tally.done, tally.wrong, *latencies, cpu, repr(tally.sample[:300]))
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
