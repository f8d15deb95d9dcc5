"""The command line. Each command lives in `careloop/commands/` and imports what it needs when it is called."""

import typer

from careloop.commands import calendar, dead_letters, events, sla, value
from careloop.commands.demo import demo
from careloop.commands.migrate import migrate
from careloop.commands.run import run
from careloop.commands.serve import serve
from careloop.commands.stack import stack
from careloop.commands.token import token

app = typer.Typer(
    help="careloop: service requests, promises about time, customer value, complaints that close.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.command()(demo)
app.command()(run)
app.command()(stack)
app.command()(serve)
app.command()(migrate)
app.command()(token)
app.add_typer(calendar.app, name="calendar")
app.add_typer(events.app, name="events")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(sla.app, name="sla")
app.add_typer(value.app, name="value")
