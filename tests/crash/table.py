"""Which process dies where, a round a month: every fault point of relays, consumers, jobs and servers."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.crash.killing import Fault

RELAYS = ("subscriptions", "invoicing", "payments")
CONSUMERS = ("subscriptions", "invoicing", "payments")


@dataclass(frozen=True)
class Round:
    """One month: `faults` strike in different roles, `parts` of the stack are killed while it is lived."""

    name: str
    faults: Sequence[Fault] = ()
    parts: Sequence[str] = ()


def relays(point: str, pass_number: int = 2) -> list[Fault]:
    return [Fault(service, "relay", f"relay.{point}", pass_number) for service in RELAYS]


def consumers(point: str, *services: str) -> list[Fault]:
    return [Fault(service, _role(service), f"consumer.{point}") for service in services or CONSUMERS]


def jobs(*points: str) -> list[Fault]:
    return [Fault(point.partition(".")[0], "jobs", point) for point in points]


def usage(point: str) -> Fault:
    return Fault("usage", "all", point)


def _role(service: str) -> str:
    return "all" if service == "usage" else "consume"


def dues(point: str) -> Fault:
    return Fault("invoicing", "consume", f"invoicing.{point}")


SHORT: Sequence[Round] = (
    Round(
        "after the effect, before the note of it",
        [
            *relays("produced"),
            *consumers("committed"),
            *jobs("invoicing.run_claimed", "payments.sent"),
            usage("usage.ratings_frozen"),
        ],
    ),
)
WHOLE: Sequence[Round] = (
    *SHORT,
    Round(
        "before the effect",
        [
            *relays("selected"),
            *consumers("polled"),
            *jobs("payments.intent_stored"),
            usage("usage.keys_stored"),
            Fault("subscriptions", "serve", "subscriptions.dues_opened"),
        ],
    ),
    Round(
        "inside the transaction",
        [
            *relays("archived"),
            *consumers("inbox_written"),
            *jobs("invoicing.committed", "payments.answered"),
            usage("usage.events_stored"),
        ],
    ),
    Round(
        "at the end of the transaction",
        [*consumers("effect_done"), *jobs("payments.stored"), *consumers("inbox_written", "usage")],
    ),
    Round("a batch of dues arrives", [dues("due_polled"), *consumers("committed", "usage")]),
    Round("a batch of dues is rated", [dues("rated"), *consumers("polled", "usage"), *jobs("payments.sent")]),
    Round("a batch of dues is taxed", [dues("taxed"), *consumers("effect_done", "usage")]),
    Round("invoices have their numbers", [dues("numbered"), *relays("produced", 4)]),
    Round("the broker and the database", parts=("kafka", "postgres")),
)
