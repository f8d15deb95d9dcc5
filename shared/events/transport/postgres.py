"""Events through a log in a PostgreSQL database of its own."""


class PostgresTransport:
    """One log a topic. `await migrate()` makes its schema; all services of one process share one object."""

    def __init__(self, url: str) -> None:
        self._url = url
