"""Run by Alembic for each migration; `audit_store.schema` gives the connection, which is in a transaction already."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table=context.config.attributes["version_table"],
    transactional_ddl=True,
    parts=context.config.attributes["parts"],
)
context.run_migrations()
