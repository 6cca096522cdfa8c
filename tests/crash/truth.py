"""What must be true of the databases once a mesh has come to rest, read by a superuser past every policy."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from billing_invoicing.consumers.dues import dues_consumer
from billing_invoicing.consumers.facts import facts_consumer
from billing_invoicing.storage.invariants import INVARIANTS as INVOICING
from billing_payments.consumers.invoicing import invoicing_consumer
from billing_payments.storage.invariants import INVARIANTS as PAYMENTS
from billing_runtime.consumer import Consumer
from billing_runtime.invariants import RUNTIME_INVARIANTS
from billing_subscriptions.consumers.events import consumer as subscriptions_events
from billing_subscriptions.storage.invariants import INVARIANTS as SUBSCRIPTIONS
from billing_tax.storage.invariants import INVARIANTS as TAX
from billing_testkit.fleet import Fleet
from billing_usage.consumers.subscriptions import subscriptions_consumer as usage_events
from billing_usage.storage.invariants import INVARIANTS as USAGE

Rows = list[tuple[Any, ...]]
Absent: Any = None

RULES: Mapping[str, Mapping[str, str]] = {
    "subscriptions": SUBSCRIPTIONS,
    "usage": USAGE,
    "invoicing": INVOICING,
    "tax": TAX,
    "payments": PAYMENTS,
}
# The handlers are not called here: what matters is which types each consumer takes.
CONSUMERS: Mapping[str, Sequence[Consumer]] = {
    "subscriptions": [subscriptions_events(Absent)],
    "usage": [usage_events(Absent)],
    "invoicing": [dues_consumer(Absent, Absent, Absent, 1), facts_consumer(Absent)],
    "payments": [invoicing_consumer(Absent)],
}
# At rest: rows that still have to move, by service.
MOVING: Mapping[str, str] = {
    "subscriptions": "SELECT due_id FROM billing_due WHERE settled_at IS NULL",
    "usage": "SELECT id FROM outbox",
    "invoicing": "SELECT run_id FROM billing_run WHERE state <> 'complete'",
    "tax": "SELECT id FROM outbox",
    "payments": "SELECT attempt_id FROM payment_attempt WHERE state IN ('PROCESSING', 'UNKNOWN')"
    " UNION ALL SELECT payment_id FROM payment WHERE state = 'SCHEDULED' AND next_attempt_at <= now()",
}


class Truth:
    """Open connections to every database of a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._databases = {name: psycopg.connect(fleet.owner_dsn(name), autocommit=True) for name in fleet.specs}

    def close(self) -> None:
        for database in self._databases.values():
            database.close()

    def ask(self, service: str, query: str, *arguments: Any) -> Rows:
        """The rows; none for a statement that has none."""
        cursor = self._databases[service].execute(query, arguments or None)
        return cursor.fetchall() if cursor.description else []

    def moving(self, tenant: UUID) -> dict[str, int]:
        """What is still on its way: rows by what they are. Empty at rest."""
        found = {f"{service}: work": len(self.ask(service, query)) for service, query in MOVING.items()}
        for service in self._databases:
            found[f"{service}: outbox"] = self.ask(service, "SELECT count(*) FROM outbox")[0][0]
        found |= {f"{name}: not heard": len(lost) for name, (lost, _) in self.hearing(tenant).items()}
        return {what: count for what, count in found.items() if count}

    def hearing(self, tenant: UUID) -> dict[str, tuple[set[UUID], set[UUID]]]:
        """Per consumer: events it has not taken, and events it took that nobody published."""
        published: dict[str, set[UUID]] = {}
        for service in self._databases:
            query = "SELECT type, event_id FROM outbox_archive WHERE tenant_id = %s"
            for kind, event_id in self.ask(service, query, tenant):
                published.setdefault(kind, set()).add(event_id)
        return {
            consumer.name: self._heard(service, consumer, tenant, published)
            for service, consumers in CONSUMERS.items()
            for consumer in consumers
        }

    def _heard(
        self, service: str, consumer: Consumer, tenant: UUID, published: Mapping[str, set[UUID]]
    ) -> tuple[set[UUID], set[UUID]]:
        wanted = set[UUID]().union(*(published.get(kind, set()) for kind in consumer.handlers))
        query = "SELECT event_id FROM inbox WHERE tenant_id = %s AND consumer = %s"
        heard = {event_id for (event_id,) in self.ask(service, query, tenant, consumer.name)}
        return wanted - heard, heard - wanted

    def broken(self, tenant: UUID) -> dict[str, Rows]:
        """Every rule of every service and of the runtime, and what only the whole mesh can break; by rule."""
        found = {
            f"{service}.{name}": self.ask(service, query)
            for service, rules in RULES.items()
            for name, query in {**rules, **RUNTIME_INVARIANTS}.items()
        }
        found |= {
            f"{name}.heard_of_nobody": [(each,) for each in more] for name, (_, more) in self.hearing(tenant).items()
        }
        found["dues_settled"] = self._unlike(tenant, "subscriptions", _DUES, "invoicing", _SETTLED)
        found["charges_billed"] = self._unlike(tenant, "invoicing", _INVOICES, "payments", _PAYMENTS)
        found["captured_is_paid"] = self._unlike(tenant, "payments", _CAPTURED, "invoicing", _PAID)
        return {rule: rows for rule, rows in found.items() if rows}

    def _unlike(self, tenant: UUID, first: str, query: str, second: str, other: str) -> Rows:
        """Rows that one side has and the other has not."""
        here, there = Counter(self.ask(first, query, tenant)), Counter(self.ask(second, other, tenant))
        return [*(here - there).elements(), *(there - here).elements()]

    def books(self, tenant: UUID) -> Counter[tuple[Any, ...]]:
        """(customer, when, total, tax, paid, state, lines) of each invoice, the same in tenants that lived alike."""
        names = dict(
            self.ask("subscriptions", "SELECT customer_id, external_id FROM customer WHERE tenant_id = %s", tenant)
        )
        return Counter((names[row[0]], *row[1:]) for row in self.ask("invoicing", _BOOKS, tenant))

    def stored_events(self, tenant: UUID) -> int:
        return int(self.ask("usage", "SELECT count(*) FROM event WHERE tenant_id = %s", tenant)[0][0])

    def accepted_events(self, tenant: UUID) -> int:
        query = "SELECT coalesce(sum(accepted), 0) FROM ingest_batch WHERE tenant_id = %s"
        return int(self.ask("usage", query, tenant)[0][0])


_DUES = "SELECT DISTINCT due_id FROM billing_due WHERE tenant_id = %s"
_SETTLED = "SELECT due_id FROM settled_due WHERE tenant_id = %s"
_INVOICES = (
    "SELECT invoice_id, total_minor FROM invoice WHERE tenant_id = %s AND total_minor > 0 AND collection = 'charge'"
)
_PAYMENTS = "SELECT invoice_id, amount_minor FROM payment WHERE tenant_id = %s"
_CAPTURED = """SELECT payment.invoice_id, charge.amount_minor FROM sandbox_charge AS charge
JOIN payment USING (payment_id) WHERE payment.tenant_id = %s AND charge.captured_at IS NOT NULL"""
_PAID = "SELECT invoice_id, paid_minor FROM invoice WHERE tenant_id = %s AND paid_minor > 0"
_BOOKS = """SELECT customer_id, invoice_at, total_minor, tax_minor, paid_minor, state,
(SELECT count(*) FROM invoice_line AS line WHERE line.invoice_id = invoice.invoice_id)
FROM invoice WHERE tenant_id = %s"""


@contextmanager
def truth_of(fleet: Fleet) -> Iterator[Truth]:
    truth = Truth(fleet)
    try:
        yield truth
    finally:
        truth.close()
