"""Room for cycles that begin off a boundary, and for windows of items: columns that old code may leave out."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Adds nullable columns; rows of before read as they did."""
    instant = postgresql.TIMESTAMP(timezone=True)
    op.add_column("subscription", sa.Column("cycle_start_at", instant))
    op.add_column("subscription", sa.Column("first_stub", sa.Text))
    op.add_column("subscription_item", sa.Column("window_start_at", instant))
