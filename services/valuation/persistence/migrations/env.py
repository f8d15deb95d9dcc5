"""Alembic's entry: everything is in `shared.db.migrations`."""

from shared.db.migrations import run_env

run_env()
