"""What Alembic runs: revisions are applied on the connection, and in the transaction, of the caller."""

from __future__ import annotations

from alembic import context

from mlstack_nb.catalog import schedule_tables, service_tables, subject_tables  # noqa: F401  (each adds its own)
from mlstack_nb.catalog.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
