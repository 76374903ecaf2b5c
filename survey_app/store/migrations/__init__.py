"""Alembic migrations of the store; one file per revision in `versions`."""
