"""payment_method, payment, payment_attempt and the book of the sandbox."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import create_runtime_tables, queue_table, tenant_table, worker_role
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERVICE = "payments"
IN_FLIGHT = sa.text("state IN ('PROCESSING', 'UNKNOWN')")
DUE = sa.text("state = 'SCHEDULED' AND next_attempt_at IS NOT NULL")
MAY_HOLD_MONEY = sa.text("state IN ('PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED')")


def upgrade() -> None:
    create_runtime_tables(op, SERVICE)
    _payment_method()
    _payment()
    _payment_attempt()
    _sandbox_charge()
    tenant_table(op, SERVICE, "payment_method", "customer_id", privileges="SELECT, INSERT, UPDATE")
    queued = "SELECT (tenant_id, state, next_attempt_at)"
    queue_table(op, SERVICE, "payment", "customer_id", worker_privileges=queued)
    queue_table(
        op, SERVICE, "payment_attempt", "customer_id", worker_privileges="SELECT (tenant_id, state, held_until)"
    )
    tenant_table(op, SERVICE, "sandbox_charge", privileges="SELECT, INSERT, UPDATE")
    worker = worker_role(SERVICE)
    op.execute(f"CREATE POLICY worker_access ON tenant_clock FOR SELECT TO {worker} USING (true)")
    op.execute(f"GRANT SELECT ON tenant_clock TO {worker}")


def _tenant() -> sa.Column[Any]:
    default = sa.text("current_setting('app.tenant')::uuid")
    return sa.Column("tenant_id", sa.Uuid, nullable=False, server_default=default)


def _instant(name: str, *, nullable: bool = False, default: str | None = None) -> sa.Column[Any]:
    server_default = sa.text(default) if default else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=server_default)


def _required(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def _payment_method() -> None:
    op.create_table(
        "payment_method",
        _tenant(),
        *_required(sa.Uuid, "payment_method_id", "customer_id"),
        *_required(sa.Text, "gateway", "token", "label"),
        *_required(sa.Boolean, "is_default"),
        *_required(sa.Text, "state"),
        *_required(JSONB, "metadata"),
        *_required(sa.BigInteger, "version"),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "payment_method_id"),
        sa.CheckConstraint("state IN ('ATTACHED', 'DETACHED')", name="payment_method_state"),
        sa.CheckConstraint("state = 'ATTACHED' OR NOT is_default", name="payment_method_detached_is_no_default"),
    )
    mine = ["tenant_id", "customer_id"]
    op.create_index("payment_method_customer", "payment_method", [*mine, "payment_method_id"])
    default = sa.text("is_default")
    op.create_index("payment_method_one_default", "payment_method", mine, unique=True, postgresql_where=default)


def _payment() -> None:
    op.create_table(
        "payment",
        _tenant(),
        *_required(sa.Uuid, "payment_id", "invoice_id", "customer_id"),
        *_required(sa.ARRAY(sa.Uuid), "subscription_ids"),
        *_required(sa.Text, "currency"),
        *_required(sa.BigInteger, "amount_minor", "invoice_version"),
        *_required(sa.Text, "state"),
        _instant("next_attempt_at", nullable=True),
        *_required(sa.Boolean, "cancel_requested"),
        *_required(JSONB, "metadata"),
        *_required(sa.BigInteger, "version"),
        _instant("created_at"),
        _instant("updated_at"),
        sa.PrimaryKeyConstraint("tenant_id", "payment_id"),
        sa.CheckConstraint(
            "state IN ('SCHEDULED', 'PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED', 'FAILED', 'CANCELED')",
            name="payment_state",
        ),
        sa.CheckConstraint("amount_minor > 0", name="payment_amount"),
        sa.CheckConstraint("next_attempt_at IS NULL OR state = 'SCHEDULED'", name="payment_due_only_when_scheduled"),
    )
    op.create_index("payment_one_per_invoice", "payment", ["tenant_id", "invoice_id"], unique=True)
    op.create_index("payment_customer", "payment", ["tenant_id", "customer_id", "payment_id"])
    due = ["tenant_id", "next_attempt_at", "payment_id"]
    op.create_index("payment_due_of_tenant", "payment", due, postgresql_where=DUE)
    op.create_index("payment_due", "payment", ["next_attempt_at"], postgresql_where=DUE)
    op.create_index("payment_in_flight", "payment", ["tenant_id", "payment_id"], postgresql_where=IN_FLIGHT)


def _payment_attempt() -> None:
    op.create_table(
        "payment_attempt",
        _tenant(),
        *_required(sa.Uuid, "attempt_id", "payment_id", "customer_id"),
        *_required(sa.Integer, "number"),
        *_required(sa.Text, "currency"),
        *_required(sa.BigInteger, "amount_minor"),
        *_required(sa.Uuid, "payment_method_id"),
        *_required(sa.Text, "gateway", "state", "gateway_reference", "decline_code"),
        _instant("attempted_at"),
        _instant("confirmed_at", nullable=True),
        *_required(sa.Integer, "asks"),
        _instant("held_until"),
        _instant("in_flight_since", default="clock_timestamp()"),
        sa.PrimaryKeyConstraint("tenant_id", "attempt_id"),
        sa.CheckConstraint(
            "state IN ('PROCESSING', 'UNKNOWN', 'REQUIRES_ACTION', 'SUCCEEDED', 'SOFT_DECLINED', 'HARD_DECLINED')",
            name="payment_attempt_state",
        ),
        sa.CheckConstraint("amount_minor > 0", name="payment_attempt_amount"),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"], ["payment.tenant_id", "payment.payment_id"], name="payment_attempt_payment"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_method_id"],
            ["payment_method.tenant_id", "payment_method.payment_method_id"],
            name="payment_attempt_method",
        ),
    )
    mine = ["tenant_id", "payment_id"]
    table = "payment_attempt"
    op.create_index("payment_attempt_number", table, [*mine, "number"], unique=True)
    op.create_index("payment_attempt_one_capture", table, mine, unique=True, postgresql_where=MAY_HOLD_MONEY)
    op.create_index("payment_attempt_unclear", table, ["held_until"], postgresql_where=IN_FLIGHT)


def _sandbox_charge() -> None:
    op.create_table(
        "sandbox_charge",
        _tenant(),
        *_required(sa.Uuid, "attempt_id", "payment_id"),
        *_required(sa.Text, "token", "currency"),
        *_required(sa.BigInteger, "amount_minor"),
        *_required(sa.Text, "state", "decline_code"),
        _instant("entered_at", default="clock_timestamp()"),
        _instant("captured_at", nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "attempt_id"),
        sa.CheckConstraint("(state = 'SUCCEEDED') = (captured_at IS NOT NULL)", name="sandbox_charge_captured"),
    )
    op.create_index("sandbox_charge_payment", "sandbox_charge", ["tenant_id", "payment_id"])
