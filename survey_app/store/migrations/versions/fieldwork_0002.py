"""Interviewers, contact attempts with call-backs, paper entered twice, resume codes, batches of invitations."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED: dict[str, tuple[tuple[str, Any], ...]] = {
    "invitation": (
        ("interviewer", sa.String(64)),
        ("held_by", sa.String(64)),
        ("held_until", sa.BigInteger),
        ("batch", sa.String(64)),
    ),
    "draft": (("interviewer", sa.String(64)), ("resume_hash", sa.String(64)), ("resume_until", sa.String(10))),
    "response": (("interviewer", sa.String(64)), ("present", sa.String(64))),
}


def upgrade() -> None:
    """Add the columns, and lay the table of contact attempts down anew with what it held."""
    for table, columns in ADDED.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind))
    op.create_index("uq_draft_resume_hash", "draft", ["resume_hash"], unique=True)
    op.drop_index("ix_response_wave", "response")
    op.create_index("ix_response_wave", "response", ["wave", "district", "mode", "stream", "excluded"])
    with op.batch_alter_table("disposition", table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.alter_column("on_date", existing_type=sa.String(10), nullable=True)
        batch.add_column(sa.Column("mode", sa.String(32)))
        batch.add_column(sa.Column("hour", sa.Integer))
        batch.add_column(sa.Column("time_window", sa.String(16)))
        batch.add_column(sa.Column("callback_from", sa.BigInteger))
        batch.add_column(sa.Column("callback_until", sa.BigInteger))
    op.create_table(
        "paper_entry",
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), primary_key=True),
        sa.Column("sheet", sa.String(64), primary_key=True),
        sa.Column("entry", sa.Integer, primary_key=True),
        sa.Column("case", sa.String(64)),
        sa.Column("keyer", sa.String(64), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("page", sa.String(128)),
        sa.Column("finished", sa.Boolean, nullable=False),
        sa.Column("fieldwork_date", sa.String(10)),
        sa.CheckConstraint("entry IN (1, 2)", name="entry"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Remove them again, and with them the attempts whose day a seal has taken away."""
    op.drop_table("paper_entry")
    op.execute("DELETE FROM disposition WHERE on_date IS NULL")
    with op.batch_alter_table("disposition", table_kwargs={"sqlite_with_rowid": False}) as batch:
        for name in ("callback_until", "callback_from", "time_window", "hour", "mode"):
            batch.drop_column(name)
        batch.alter_column("on_date", existing_type=sa.String(10), nullable=False)
    op.drop_index("uq_draft_resume_hash", "draft")
    op.drop_index("ix_response_wave", "response")
    op.create_index("ix_response_wave", "response", ["wave", "district"])
    for table, columns in ADDED.items():
        for name, _ in reversed(columns):
            op.drop_column(table, name)
