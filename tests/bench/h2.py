"""A small HTTP/2 load generator: frames are prepared once, so that the client costs far less than the server.

It speaks just enough of RFC 9113: one request template a run, many streams at once, every answer compared.
"""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW = 4
WINDOW_MAX = (1 << 31) - 1
WINDOW_START = 65_535
FIRST_DYNAMIC = 62
READ_BYTES = 1 << 18

Check = Callable[[bytes], bool]


class LoadFailed(Exception):
    """The server broke off, refused a stream or gave a wrong answer."""


@dataclass(frozen=True)
class Template:
    """One request, again and again. `body` is complete; `key_header` gets a value of its own in each call.

    With `bodies`, all of one length, each call takes the next one.
    """

    headers: Sequence[tuple[str, str]]
    body: bytes
    key_header: str = ""
    key_prefix: str = ""
    bodies: Sequence[bytes] = ()

    def body_of(self, number: int) -> bytes:
        """Raises LoadFailed once all are used."""
        if not self.bodies:
            return self.body
        if number >= len(self.bodies):
            raise LoadFailed(f"more than {len(self.bodies)} calls were made")
        return self.bodies[number]

    def first(self) -> bytes:
        """Header block that also fills the peer's dynamic table."""
        return b"".join(b"\x40" + _text(name) + _text(value) for name, value in self.headers)

    def later(self) -> bytes:
        """The same by reference."""
        last = FIRST_DYNAMIC + len(self.headers) - 1
        return bytes(0x80 | (last - place) for place in range(len(self.headers)))

    def key(self, number: int) -> bytes:
        if not self.key_header:
            return b""
        return b"\x10" + _text(self.key_header) + _text(f"{self.key_prefix}{number:012d}")


def _text(text: str) -> bytes:
    """A string literal without Huffman coding (RFC 7541, 5.1 and 5.2)."""
    raw = text.encode()
    if len(raw) < 127:
        return bytes((len(raw),)) + raw
    rest, length = len(raw) - 127, bytearray((127,))
    while rest >= 128:
        length.append(rest % 128 + 128)
        rest //= 128
    length.append(rest)
    return bytes(length) + raw


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


@dataclass
class Tally:
    """What a run has seen. Times in seconds."""

    done: int = 0
    wrong: int = 0
    sample: bytes = b""
    latencies_s: list[float] = field(default_factory=list)


class Connection:
    """One socket with up to `streams` calls in flight."""

    def __init__(self, address: str, template: Template, streams: int, numbers: Callable[[], int]) -> None:
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), 10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._template, self._later, self._numbers = template, template.later(), numbers
        self._next, self._window, self._owed = 1, WINDOW_START, streams
        self._body, self._input = template.body, bytearray()
        self._answers: dict[int, bytes] = {}
        self._began: dict[int, float] = {}
        settings = INITIAL_WINDOW.to_bytes(2, "big") + WINDOW_MAX.to_bytes(4, "big")
        more = (WINDOW_MAX - WINDOW_START).to_bytes(4, "big")
        self.socket.sendall(PREFACE + _frame(SETTINGS, 0, 0, settings) + _frame(WINDOW_UPDATE, 0, 0, more))

    @property
    def in_flight(self) -> int:
        return len(self._began)

    def fill(self) -> None:
        """Sends the calls that are owed, as far as the server's window goes."""
        out, now = [], time.perf_counter()
        while self._owed and self._window >= len(self._body):
            number = self._numbers()
            block = (self._template.first() if self._next == 1 else self._later) + self._template.key(number)
            if self._body:
                out.append(_frame(HEADERS, END_HEADERS, self._next, block))
                out.append(_frame(DATA, END_STREAM, self._next, self._template.body_of(number)))
            else:
                out.append(_frame(HEADERS, END_HEADERS | END_STREAM, self._next, block))
            self._window -= len(self._body)
            self._began[self._next] = now
            self._next += 2
            self._owed -= 1
        if out:
            self.socket.sendall(b"".join(out))

    def read(self, tally: Tally, good: Check) -> None:
        """Takes in what has arrived; each finished call makes room for another one. Raises LoadFailed."""
        received = self.socket.recv(READ_BYTES)
        if not received:
            raise LoadFailed("the server closed the connection")
        self._input += received
        at, end = 0, len(self._input)
        while at + 9 <= end:
            size = int.from_bytes(self._input[at : at + 3], "big")
            if at + 9 + size > end:
                break
            kind, flags = self._input[at + 3], self._input[at + 4]
            stream = int.from_bytes(self._input[at + 5 : at + 9], "big")
            self._take(kind, flags, stream, bytes(self._input[at + 9 : at + 9 + size]), tally, good)
            at += 9 + size
        del self._input[:at]

    def _take(self, kind: int, flags: int, stream: int, payload: bytes, tally: Tally, good: Check) -> None:
        if kind == DATA:
            self._answers[stream] = self._answers.get(stream, b"") + payload
        if kind in (DATA, HEADERS):
            if flags & END_STREAM:
                self._finish(stream, tally, good)
        elif kind == WINDOW_UPDATE and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind in (SETTINGS, PING) and not flags & ACK:
            self.socket.sendall(_frame(kind, ACK, 0, payload if kind == PING else b""))
        elif kind in (GOAWAY, RST_STREAM):
            raise LoadFailed(f"frame {kind} on stream {stream}: {payload[:200]!r}")

    def _finish(self, stream: int, tally: Tally, good: Check) -> None:
        answer = self._answers.pop(stream, b"")
        tally.done += 1
        tally.latencies_s.append(time.perf_counter() - self._began.pop(stream))
        self._owed += 1
        if not good(answer):
            tally.wrong += 1
            tally.sample = answer


def drive(
    address: str, template: Template, good: Check, *, seconds: float, warm_s: float, connections: int, streams: int
) -> tuple[Tally, int, float]:
    """(all that was seen, calls done in the measured time, that time). Ends with nothing in flight."""
    counter = iter(range(1 << 62))
    opened = [Connection(address, template, streams, counter.__next__) for _ in range(connections)]
    tally = Tally()
    with selectors.DefaultSelector() as selector:
        for one in opened:
            selector.register(one.socket, selectors.EVENT_READ, one)
        _run(selector, opened, tally, good, warm_s, refill=True)
        before, began = tally.done, time.perf_counter()
        tally.latencies_s.clear()
        _run(selector, opened, tally, good, seconds, refill=True)
        counted, took_s = tally.done - before, time.perf_counter() - began
        _run(selector, opened, tally, good, 10.0, refill=False)
    for one in opened:
        one.socket.close()
    return tally, counted, took_s


def _run(
    selector: selectors.BaseSelector,
    opened: Sequence[Connection],
    tally: Tally,
    good: Check,
    seconds: float,
    *,
    refill: bool,
) -> None:
    until = time.perf_counter() + seconds
    if refill:
        for one in opened:
            one.fill()
    while time.perf_counter() < until and (refill or any(one.in_flight for one in opened)):
        for key, _ in selector.select(0.1):
            one: Connection = key.data
            one.read(tally, good)
            if refill:
                one.fill()
