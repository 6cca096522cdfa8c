"""The tables of reasons: every refusal class, every refusal of an item, what the edge answers by itself."""

import importlib
import inspect
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import grpc
from billing_kernel.errors import DomainError
from billing_runtime.errors import CODES

from tools.docs.blocks import code, table
from tools.docs.raised import FILLED_IN, defines_refusals, made, modules

# As Envoy turns gRPC codes into HTTP statuses.
HTTP: Mapping[grpc.StatusCode, int] = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
LIBRARIES = ("kernel", "pricing", "runtime")
HEADS = ("Reason", "Kind", "gRPC", "HTTP", "Made in", "Meaning")


class Unnamed(Exception):
    """A refusal that says nowhere what it means."""


@dataclass(frozen=True, slots=True)
class Row:
    reason: str
    kind: str
    grpc: str
    http: int
    owners: tuple[str, ...]
    meaning: str


def classes() -> list[type[DomainError]]:
    """Every refusal that has a reason of its own and is made somewhere."""
    for module in modules():
        if defines_refusals(module):
            importlib.import_module(module.name)
    found = sorted(set(_below(DomainError)), key=lambda each: (each.reason, each.__module__))
    return [each for each in found if each.__module__.startswith("billing_") and "reason" in vars(each)]


def _below(parent: type[DomainError]) -> Iterator[type[DomainError]]:
    for child in parent.__subclasses__():
        yield child
        yield from _below(child)


def rows() -> list[Row]:
    """One row for each reason and kind, whichever classes share them."""
    groups: dict[tuple[str, str], list[type[DomainError]]] = defaultdict(list)
    for each in classes():
        groups[each.reason, each.kind.value].append(each)
    return [row for key, members in sorted(groups.items()) if (row := _row(*key, members)) is not None]


def _row(reason: str, kind: str, members: list[type[DomainError]]) -> Row | None:
    names = {f"{each.__module__}.{each.__qualname__}" for each in members}
    calls = [each for each in made() if each.name in names]
    if not calls:
        return None
    status = CODES[members[0].kind]
    texts = [text for call in calls for text in call.texts[:1] if not text.startswith(FILLED_IN)]
    meaning = next((_sentence(each) for each in members if _sentence(each)), "") or min(texts, key=len, default="")
    if not meaning:
        raise Unnamed(f"{reason}: give {', '.join(sorted(names))} a docstring")
    owners = tuple(sorted({call.owner for call in calls}))
    return Row(reason, kind, status.name, HTTP[status], owners, _capital(meaning))


def _sentence(refusal: type[DomainError]) -> str:
    """The first sentence of its own docstring."""
    text = " ".join((inspect.cleandoc(refusal.__dict__.get("__doc__") or "")).split())
    return text.split(". ")[0].rstrip(".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def refusals() -> str:
    """Reasons of calls."""
    return table(
        HEADS,
        [(code(row.reason), row.kind, row.grpc, str(row.http), ", ".join(row.owners), row.meaning) for row in rows()],
    )


def items() -> str:
    """Reasons that name one item of a batch, or why a due was parked."""
    found: dict[str, tuple[set[str], str]] = {}
    for call in made():
        if call.name.endswith(".Refusal") and call.texts and call.texts[0].isupper():
            owners, meaning = found.setdefault(call.texts[0], (set(), ""))
            owners.add(call.owner)
            found[call.texts[0]] = (owners, meaning or next(iter(call.texts[1:2]), ""))
    rows = [
        (code(reason), ", ".join(sorted(owners)), _capital(text)) for reason, (owners, text) in sorted(found.items())
    ]
    return table(("Reason", "Made in", "Meaning"), rows)


def edge() -> str:
    """What the edge answers without asking a service."""
    from billing_gateway.edge import LOCAL_ERRORS

    codes = {each.value[0]: each.name for each in grpc.StatusCode}
    return table(
        ("HTTP", "gRPC", "Reason"), [(str(http), codes[number], code(reason)) for http, number, reason in LOCAL_ERRORS]
    )
