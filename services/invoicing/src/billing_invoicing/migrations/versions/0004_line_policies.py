"""When the change that made a line took effect, and how it is settled.

Columns have defaults, so the release before goes on writing meanwhile.
"""

import sqlalchemy as sa
from alembic import op
from billing_runtime.migrations import grant_leaf

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Adds two columns to `invoice_line`."""
    for name in ("change_when", "settlement"):
        op.add_column("invoice_line", sa.Column(name, sa.Text, server_default=sa.text("''"), nullable=False))
    grant_leaf(op, "invoicing", "invoice_line_rows")
