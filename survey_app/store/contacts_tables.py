"""The one table of the contact store: who is behind a drawn case, and until when that may be kept."""

from sqlalchemy import Column, MetaData, String, Table, Text

from survey_app.store.tables import DATE, NAMES

metadata = MetaData(naming_convention=NAMES)

contact = Table(
    "contact",
    metadata,
    Column("wave", String(64), primary_key=True),
    Column("case", String(64), primary_key=True),
    Column("name", Text),
    Column("phone", Text),
    Column("address", Text),
    Column("email", Text),
    Column("language", String(16)),
    Column("keep_until", DATE, nullable=False),
    sqlite_with_rowid=False,
)
