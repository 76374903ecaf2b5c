"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    "account",
    "audit",
    "audit_head",
    "instrument_version",
    "response_revision",
    "unit",
    "session",
    "wave",
    "draft",
    "invitation",
    "quarantine",
    "quota",
    "response",
    "snapshot",
    "tally",
    "disposition",
    "release",
)


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "instrument_version",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("published_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "wave",
        sa.Column("slug", sa.String(64), primary_key=True),
        sa.Column("instrument_id", sa.String(128), nullable=False),
        sa.Column("instrument_version", sa.String(64), nullable=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("opens", sa.String(10)),
        sa.Column("closes", sa.String(10)),
        sa.Column("definition", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["instrument_id", "instrument_version"], ["instrument_version.id", "instrument_version.version"]
        ),
        sa.CheckConstraint("state IN ('open', 'closed')", name="state"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "unit",
        sa.Column("scheme", sa.String(32), primary_key=True),
        sa.Column("edition", sa.String(32), primary_key=True),
        sa.Column("code", sa.String(32), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("parent_code", sa.String(32)),
        sa.Column("position", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "invitation",
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), primary_key=True),
        sa.Column("case", sa.String(64), primary_key=True),
        sa.Column("district", sa.String(32), nullable=False),
        sa.Column("stratum", sa.String(64), nullable=False),
        sa.Column("psu", sa.String(64), nullable=False),
        sa.Column("inclusion_probability_psu", sa.Float, nullable=False),
        sa.Column("inclusion_probability_person", sa.Float, nullable=False),
        sa.Column("base_weight", sa.Float, nullable=False),
        sa.Column("weighting_class", sa.String(64)),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64)),
        sa.Column("expires", sa.String(10)),
        sa.Column("used", sa.Boolean, nullable=False),
        sa.Column("used_on", sa.String(10)),
        sa.Column("disposition", sa.String(32)),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "draft",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), nullable=False),
        sa.Column("case", sa.String(64)),
        sa.Column("district", sa.String(32)),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("page", sa.String(128)),
        sa.Column("durations", sa.Text, nullable=False),
        sa.Column("updated_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "response",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), nullable=False),
        sa.Column("instrument_id", sa.String(128), nullable=False),
        sa.Column("instrument_version", sa.String(64), nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("stream", sa.String(16), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("door", sa.String(32), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("district", sa.String(32)),
        sa.Column("stratum", sa.String(64)),
        sa.Column("psu", sa.String(64)),
        sa.Column("base_weight", sa.Float),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("consent", sa.Text),
        sa.Column("disposition", sa.String(32), nullable=False),
        sa.Column("arrived_on", sa.String(10), nullable=False),
        sa.Column("fieldwork_date", sa.String(10), nullable=False),
        sa.Column("durations", sa.Text, nullable=False),
        sa.Column("receipt_hash", sa.String(64), nullable=False),
        sa.Column("excluded", sa.Text),
        sa.CheckConstraint("stream IN ('probability', 'opt-in')", name="stream"),
        sa.CheckConstraint(
            "(stream = 'probability') = (psu IS NOT NULL AND stratum IS NOT NULL AND base_weight IS NOT NULL)",
            name="design",
        ),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "response_revision",
        sa.Column("response_id", sa.String(36), primary_key=True),
        sa.Column("revision", sa.Integer, primary_key=True),
        sa.Column("answers", sa.Text, nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("editor", sa.String(64), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("replaced_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "quarantine",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("body_hash", sa.String(64), primary_key=True),
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), nullable=False),
        sa.Column("district", sa.String(32)),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("stream", sa.String(16), nullable=False),
        sa.Column("raw", sa.Text, nullable=False),
        sa.Column("problems", sa.Text, nullable=False),
        sa.Column("arrived_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "quota",
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("conditions", sa.Text, nullable=False),
        sa.Column("cap", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.CheckConstraint("taken >= 0 AND taken <= cap", name="cap"),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "disposition",
        sa.Column("wave", sa.String(64), primary_key=True),
        sa.Column("case", sa.String(64), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("interviewer", sa.String(64)),
        sa.Column("on_date", sa.String(10), nullable=False),
        sa.Column("note", sa.Text),
        sa.ForeignKeyConstraint(["wave", "case"], ["invitation.wave", "invitation.case"]),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "tally",
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), primary_key=True),
        sa.Column("district", sa.String(32), primary_key=True),
        sa.Column("mode", sa.String(32), primary_key=True),
        sa.Column("stream", sa.String(16), primary_key=True),
        sa.Column("event", sa.String(16), primary_key=True),
        sa.Column("shard", sa.Integer, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "account",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("disabled", sa.Boolean, nullable=False),
        sa.Column("created_on", sa.String(10), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "session",
        sa.Column("token_hash", sa.String(64), primary_key=True),
        sa.Column("account", sa.String(64), sa.ForeignKey("account.name"), nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "audit",
        sa.Column("entry", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(), primary_key=True),
        sa.Column("on_date", sa.String(10), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("wave", sa.String(64)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column("hash", sa.String(64)),
    )
    op.create_table(
        "audit_head",
        sa.Column("name", sa.String(16), primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "snapshot",
        sa.Column("wave", sa.String(64), sa.ForeignKey("wave.slug"), primary_key=True),
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("made_on", sa.String(10), nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )

    op.create_table(
        "release",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("wave", sa.String(64), nullable=False),
        sa.Column("snapshot_hash", sa.String(64), nullable=False),
        sa.Column("made_on", sa.String(10), nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["wave", "snapshot_hash"], ["snapshot.wave", "snapshot.hash"]),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_unit_parent_code", "unit", ["scheme", "edition", "parent_code"])
    op.create_index("uq_invitation_token_hash", "invitation", ["token_hash"], unique=True)
    op.create_index("uq_draft_wave_case", "draft", ["wave", "case"], unique=True)
    op.create_index("ix_response_wave", "response", ["wave", "district"])
    op.create_index("uq_response_receipt_hash", "response", ["receipt_hash"], unique=True)
    op.create_index("ix_quarantine_wave", "quarantine", ["wave"])
    op.create_index("ix_session_account", "session", ["account"])
    op.create_index("uq_audit_position", "audit", ["position"], unique=True)
    op.create_index(
        "ix_audit_unlinked",
        "audit",
        ["entry"],
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )


def downgrade() -> None:
    """Remove every table."""
    for name in reversed(TABLES):
        op.drop_table(name)
