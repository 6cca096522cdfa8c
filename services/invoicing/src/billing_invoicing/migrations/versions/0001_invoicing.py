"""The runtime's tables and all of invoicing's; the trigger that refuses edits of what is final."""

from alembic import op
from billing_runtime.migrations import (
    CUSTOMER,
    bulk_table,
    create_runtime_tables,
    login_role,
    queue_table,
    tenant_table,
)

from billing_invoicing.migrations import documents_0001, runs_0001

revision = "0001"
down_revision = None

SERVICE = "invoicing"
BULK = {"invoice": "customer_id", "invoice_line": "customer_id", "invoiced_charge": None, "settled_due": None}

# What may still change on an invoice that is final. Everything else is frozen.
LIVING = ("version", "state", "paid_minor", "paid_at", "metadata", "updated_at", "tried_at")

_FROZEN = f"""CREATE FUNCTION invoice_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY[{", ".join(f"'{name}'" for name in LIVING)}]::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{", ".join(f"'{name}'" for name in LIVING)}]::text[]) THEN
        RAISE EXCEPTION 'an invoice that is final is never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.paid_minor < OLD.paid_minor
        OR NEW.state <> OLD.state AND NOT (OLD.state = 'open' AND NEW.state IN ('paid', 'void')) THEN
        RAISE EXCEPTION 'an invoice never goes back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    """Creates everything."""
    create_runtime_tables(op, SERVICE)
    for create in (*documents_0001.TABLES, *runs_0001.TABLES):
        create()
    _protect()
    op.execute(_FROZEN)
    op.execute("CREATE TRIGGER invoice_frozen BEFORE UPDATE ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_frozen()")


def _protect() -> None:
    """Row-level security and the least privileges: nothing of money can be deleted, lines are never edited."""
    own = f"coalesce(customer_id, {CUSTOMER})"  # copies of sellers belong to no customer and everyone may see them
    tenant_table(op, SERVICE, "party", own, privileges="SELECT, INSERT")
    tenant_table(op, SERVICE, "seller", privileges="SELECT, INSERT, UPDATE")
    privileges = {
        "invoice": "SELECT, INSERT",
        "invoice_line": "SELECT, INSERT",
        "invoiced_charge": "SELECT, INSERT, DELETE",
    }
    for name, customer_column in BULK.items():
        granted = privileges.get(name, "SELECT, INSERT, UPDATE")
        bulk_table(op, SERVICE, name, {f"{name}_rows": "DEFAULT"}, customer_column, privileges=granted)
    op.execute(f"GRANT UPDATE ({', '.join(_CHANGEABLE)}) ON invoice TO {login_role(SERVICE)}")
    tenant_table(op, SERVICE, "applied_payment", "customer_id", privileges="SELECT, INSERT")
    for name in ("parked_due", "due_part"):
        tenant_table(op, SERVICE, name)
    for name in ("number_series", "number_counter"):
        tenant_table(op, SERVICE, name, privileges="SELECT, INSERT, UPDATE")
    for name in ("billing_run", "test_clock"):
        queue_table(op, SERVICE, name, worker_privileges="SELECT, UPDATE")


# A draft becomes final by an UPDATE of these as well; the trigger refuses them afterwards.
_CHANGEABLE = (
    *LIVING,
    "number",
    "number_year",
    "number_sequence",
    "seller_version",
    "invoice_at",
    "due_at",
    "finalized_at",
    "content_hash",
)
