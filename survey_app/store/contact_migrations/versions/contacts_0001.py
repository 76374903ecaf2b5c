"""The first schema of the contact store."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the one table."""
    op.create_table(
        "contact",
        sa.Column("wave", sa.String(64), primary_key=True),
        sa.Column("case", sa.String(64), primary_key=True),
        sa.Column("name", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("address", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("language", sa.String(16)),
        sa.Column("keep_until", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Remove it, with every name and address in it."""
    op.drop_table("contact")
