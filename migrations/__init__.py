"""The history of the schema, run by `storage.schema` through Alembic."""
