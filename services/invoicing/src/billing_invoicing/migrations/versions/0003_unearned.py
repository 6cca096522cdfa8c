"""Money that came for void invoices, as account credit; a paid invoice may become void.

The column is nullable and what is refused only becomes less, so the release before goes on writing meanwhile.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

ENTRY = "account_credit_entry"
LIVING = ("version", "state", "paid_minor", "paid_at", "metadata", "updated_at", "tried_at")

_FROZEN = f"""CREATE OR REPLACE FUNCTION invoice_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN NEW;
    END IF;
    IF (to_jsonb(NEW) - ARRAY[{", ".join(f"'{name}'" for name in LIVING)}]::text[])
        IS DISTINCT FROM (to_jsonb(OLD) - ARRAY[{", ".join(f"'{name}'" for name in LIVING)}]::text[]) THEN
        RAISE EXCEPTION 'an invoice that is final is never edited' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.paid_minor < OLD.paid_minor
        OR NEW.state <> OLD.state AND NOT (OLD.state = 'open' AND NEW.state = 'paid')
            AND NOT (OLD.state IN ('open', 'paid') AND NEW.state = 'void') THEN
        RAISE EXCEPTION 'an invoice never goes back' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    """Entries may name their payment: once each; those without are once an invoice and kind, as before."""
    op.execute(_FROZEN)
    op.add_column(ENTRY, sa.Column("payment_id", sa.Uuid))
    op.drop_constraint("account_credit_entry_kind", ENTRY)
    kinds = "kind IN ('granted', 'applied', 'returned', 'unearned')"
    op.create_check_constraint("account_credit_entry_kind", ENTRY, kinds)
    op.drop_index("account_credit_entry_once", ENTRY)
    once = ["tenant_id", "invoice_id", "kind"]
    without = sa.text("payment_id IS NULL")
    op.create_index("account_credit_entry_once", ENTRY, once, unique=True, postgresql_where=without)
    op.create_index("account_credit_entry_payment", ENTRY, ["tenant_id", "payment_id"], unique=True)
