"""Alembic's entry: runs the revisions in the transaction that `survey_app.store.contacts_opening` hands over."""

from alembic import context

from survey_app.store.contacts_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
