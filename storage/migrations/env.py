"""How Alembic runs the steps: on the connection, and in the transaction, that it is given."""

from alembic import context

from storage.database import VERSION_TABLE
from storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
