"""`python -m careloop`."""

from careloop.cli import app

app()
