"""Alembic's entry for sla; `shared.db.migrations` hands the connection over."""

from shared.db.migrations import run_env

run_env()
