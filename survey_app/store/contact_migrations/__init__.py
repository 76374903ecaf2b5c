"""Alembic migrations of the contact store."""
