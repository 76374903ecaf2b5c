"""Every table of the store, for both databases.

Types are the plainest that both engines share, so that a value means the same on each: dates and times of day are
text (ISO 8601 dates) or whole seconds since 1970, JSON is text (kept byte for byte), ids are lower-case text.
On SQLite every table with a key of its own is `WITHOUT ROWID`: a hidden row number would tell in which order rows came.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMES)
DATE = String(10)
ID = String(36)
HASH = String(64)

instrument_version = Table(
    "instrument_version",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("version", String(64), primary_key=True),
    Column("content_hash", HASH, nullable=False),
    Column("source", Text, nullable=False),
    Column("published_on", DATE, nullable=False),
    sqlite_with_rowid=False,
)

wave = Table(
    "wave",
    metadata,
    Column("slug", String(64), primary_key=True),
    Column("instrument_id", String(128), nullable=False),
    Column("instrument_version", String(64), nullable=False),
    Column("state", String(8), nullable=False),
    Column("opens", DATE),
    Column("closes", DATE),
    Column("definition", Text, nullable=False),
    ForeignKeyConstraint(
        ["instrument_id", "instrument_version"], ["instrument_version.id", "instrument_version.version"]
    ),
    CheckConstraint("state IN ('open', 'closed')", name="state"),
    sqlite_with_rowid=False,
)

unit = Table(
    "unit",
    metadata,
    Column("scheme", String(32), primary_key=True),
    Column("edition", String(32), primary_key=True),
    Column("code", String(32), primary_key=True),
    Column("name", Text, nullable=False),
    Column("name_en", Text),
    Column("level", String(32), nullable=False),
    Column("parent_code", String(32)),
    Column("position", Integer, nullable=False),
    Index("ix_unit_parent_code", "scheme", "edition", "parent_code"),
    sqlite_with_rowid=False,
)

invitation = Table(
    "invitation",
    metadata,
    Column("wave", String(64), ForeignKey("wave.slug"), primary_key=True),
    Column("case", String(64), primary_key=True),
    Column("district", String(32), nullable=False),
    Column("stratum", String(64), nullable=False),
    Column("psu", String(64), nullable=False),
    Column("inclusion_probability_psu", Float, nullable=False),
    Column("inclusion_probability_person", Float, nullable=False),
    Column("base_weight", Float, nullable=False),
    Column("weighting_class", String(64)),
    Column("mode", String(32), nullable=False),
    Column("token_hash", HASH),
    Column("expires", DATE),
    Column("used", Boolean, nullable=False),
    Column("used_on", DATE),
    Column("disposition", String(32)),
    # interviewer: whom the case is assigned to; held_by: who has it in hand now, until held_until (seconds since 1970).
    Column("interviewer", String(64)),
    Column("held_by", String(64)),
    Column("held_until", BigInteger),
    Column("batch", String(64)),
    Index("uq_invitation_token_hash", "token_hash", unique=True),
    sqlite_with_rowid=False,
)

draft = Table(
    "draft",
    metadata,
    Column("id", ID, primary_key=True),
    Column("wave", String(64), ForeignKey("wave.slug"), nullable=False),
    Column("case", String(64)),
    Column("district", String(32)),
    Column("mode", String(32), nullable=False),
    Column("language", String(16), nullable=False),
    Column("answers", Text, nullable=False),
    Column("page", String(128)),
    Column("durations", Text, nullable=False),
    Column("updated_on", DATE, nullable=False),
    Column("interviewer", String(64)),
    Column("resume_hash", HASH),
    Column("resume_until", DATE),
    Index("uq_draft_wave_case", "wave", "case", unique=True),
    Index("uq_draft_resume_hash", "resume_hash", unique=True),
    sqlite_with_rowid=False,
)

response = Table(
    "response",
    metadata,
    Column("id", ID, primary_key=True),
    Column("wave", String(64), ForeignKey("wave.slug"), nullable=False),
    Column("instrument_id", String(128), nullable=False),
    Column("instrument_version", String(64), nullable=False),
    Column("content_hash", HASH, nullable=False),
    Column("stream", String(16), nullable=False),
    Column("mode", String(32), nullable=False),
    Column("door", String(32), nullable=False),
    Column("language", String(16), nullable=False),
    Column("district", String(32)),
    Column("stratum", String(64)),
    Column("psu", String(64)),
    Column("base_weight", Float),
    Column("answers", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("body_hash", HASH, nullable=False),
    Column("consent", Text),
    Column("disposition", String(32), nullable=False),
    Column("arrived_on", DATE, nullable=False),
    Column("fieldwork_date", DATE, nullable=False),
    Column("durations", Text, nullable=False),
    Column("receipt_hash", HASH, nullable=False),
    Column("excluded", Text),
    Column("interviewer", String(64)),
    Column("present", String(64)),
    CheckConstraint("stream IN ('probability', 'opt-in')", name="stream"),
    # An open-link answer has no psu and no weight; a drawn one has both.
    CheckConstraint(
        "(stream = 'probability') = (psu IS NOT NULL AND stratum IS NOT NULL AND base_weight IS NOT NULL)",
        name="design",
    ),
    # Holds all that the reconciliation counts by: a count reads the index and not the answers.
    Index("ix_response_wave", "wave", "district", "mode", "stream", "excluded"),
    Index("uq_response_receipt_hash", "receipt_hash", unique=True),
    sqlite_with_rowid=False,
)

response_revision = Table(
    "response_revision",
    metadata,
    Column("response_id", ID, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("answers", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("body_hash", HASH, nullable=False),
    Column("editor", String(64), nullable=False),
    Column("reason", Text, nullable=False),
    Column("replaced_on", DATE, nullable=False),
    sqlite_with_rowid=False,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", ID, primary_key=True),
    Column("body_hash", HASH, primary_key=True),
    Column("wave", String(64), ForeignKey("wave.slug"), nullable=False),
    Column("district", String(32)),
    Column("mode", String(32), nullable=False),
    Column("stream", String(16), nullable=False),
    Column("raw", Text, nullable=False),
    Column("problems", Text, nullable=False),
    Column("arrived_on", DATE, nullable=False),
    Index("ix_quarantine_wave", "wave"),
    sqlite_with_rowid=False,
)

quota = Table(
    "quota",
    metadata,
    Column("wave", String(64), ForeignKey("wave.slug"), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("conditions", Text, nullable=False),
    Column("cap", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    CheckConstraint("taken >= 0 AND taken <= cap", name="cap"),
    sqlite_with_rowid=False,
)

disposition = Table(
    # One row per contact attempt. What identifies it (interviewer, day, hour) goes when the case's answer is sealed.
    "disposition",
    metadata,
    Column("wave", String(64), primary_key=True),
    Column("case", String(64), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("code", String(16), nullable=False),
    Column("interviewer", String(64)),
    Column("on_date", DATE),
    Column("note", Text),
    Column("mode", String(32)),
    Column("hour", Integer),
    Column("time_window", String(16)),
    Column("callback_from", BigInteger),
    Column("callback_until", BigInteger),
    ForeignKeyConstraint(["wave", "case"], ["invitation.wave", "invitation.case"]),
    sqlite_with_rowid=False,
)

paper_entry = Table(
    # A sheet of paper as somebody keyed it in, once or twice; its rows go when the sheet is submitted.
    "paper_entry",
    metadata,
    Column("wave", String(64), ForeignKey("wave.slug"), primary_key=True),
    Column("sheet", String(64), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("case", String(64)),
    Column("keyer", String(64), nullable=False),
    Column("language", String(16), nullable=False),
    Column("answers", Text, nullable=False),
    Column("page", String(128)),
    Column("finished", Boolean, nullable=False),
    Column("fieldwork_date", DATE),
    CheckConstraint("entry IN (1, 2)", name="entry"),
    sqlite_with_rowid=False,
)

tally = Table(
    # What happened, counted when it happened: the independent side of the reconciliation.
    # `shard` spreads one count over several rows, so that PostgreSQL transactions do not queue on one of them.
    "tally",
    metadata,
    Column("wave", String(64), ForeignKey("wave.slug"), primary_key=True),
    Column("district", String(32), primary_key=True),
    Column("mode", String(32), primary_key=True),
    Column("stream", String(16), primary_key=True),
    Column("event", String(16), primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("count", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

account = Table(
    "account",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("password_hash", Text, nullable=False),
    Column("role", String(32), nullable=False),
    Column("display_name", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_on", DATE, nullable=False),
    sqlite_with_rowid=False,
)

session = Table(
    "session",
    metadata,
    Column("token_hash", HASH, primary_key=True),
    Column("account", String(64), ForeignKey("account.name"), nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Index("ix_session_account", "account"),
    sqlite_with_rowid=False,
)

audit = Table(
    "audit",
    metadata,
    Column("entry", BigInteger().with_variant(Integer(), "sqlite"), Identity(), primary_key=True),
    Column("on_date", DATE, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("wave", String(64)),
    Column("detail", Text, nullable=False),
    Column("position", BigInteger),
    Column("hash", HASH),
    Index("uq_audit_position", "position", unique=True),
)
Index(
    "ix_audit_unlinked",
    audit.c.entry,
    sqlite_where=audit.c.position.is_(None),
    postgresql_where=audit.c.position.is_(None),
)

audit_head = Table(
    # One row: how long the chain is and where it ends, sealed with the installation's secret,
    # so that a cut tail or a chain computed anew is seen.
    "audit_head",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", HASH, nullable=False),
    Column("seal", HASH, nullable=False),
    sqlite_with_rowid=False,
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("wave", String(64), ForeignKey("wave.slug"), primary_key=True),
    Column("hash", HASH, primary_key=True),
    Column("made_on", DATE, nullable=False),
    Column("manifest", Text, nullable=False),
    sqlite_with_rowid=False,
)

release = Table(
    "release",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("wave", String(64), nullable=False),
    Column("snapshot_hash", HASH, nullable=False),
    Column("made_on", DATE, nullable=False),
    Column("manifest", Text, nullable=False),
    ForeignKeyConstraint(["wave", "snapshot_hash"], ["snapshot.wave", "snapshot.hash"]),
    sqlite_with_rowid=False,
)
