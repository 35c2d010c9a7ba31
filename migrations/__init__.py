"""Alembic migrations, packaged so that `dashscope-slack db upgrade` needs no checkout."""
