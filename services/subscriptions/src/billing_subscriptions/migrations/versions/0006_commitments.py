"""Where the present minimum commitment of a subscription began inside its period."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Adds `subscription.committed_from`; empty: the commitment began with the period."""
    op.add_column("subscription", sa.Column("committed_from", sa.DateTime(timezone=True), nullable=True))
