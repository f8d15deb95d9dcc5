"""The loops that every service's worker runs beside its own: what is kept for a while is forgotten in time."""

from shared.db.database import Database
from shared.events.retention import Log, Retention, RetentionRules
from shared.operations.loops import Loop
from shared.web.idempotency import IdempotencyKeyPurge


def upkeep_loops(
    service: str, database: Database, *, rules: RetentionRules | None = None, log: Log | None = None
) -> tuple[Loop, ...]:
    """Forget idempotency keys after 24 h, and events as `rules` say; `log` is the PostgreSQL transport, if used."""
    return IdempotencyKeyPurge(database), Retention(service, database, rules, log=log)
