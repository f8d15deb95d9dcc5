"""What ticketing is told from outside: everything common to services, under `TICKETING_` or `CARELOOP_`."""

from pydantic_settings import SettingsConfigDict

from shared.operations.settings import ServiceSettings


class TicketingSettings(ServiceSettings):
    """`TICKETING_DATABASE_URL`, `TICKETING_PORT` and so on; see `ServiceSettings` for all of them."""

    model_config = SettingsConfigDict(env_prefix="TICKETING_")
