"""All tables of the service, which its migrations must add up to."""

from services.valuation.persistence import (
    cost_tables,
    exchange_tables,
    indicator_tables,
    insight_tables,
    profile_tables,
    segment_tables,
    serving_tables,
    tables,
    tiering_tables,
)
from services.valuation.persistence.metadata import metadata
from shared.db.migrations import History
from shared.events import tables as event_tables
from shared.web import tables as web_tables

# Imported for what they add to the metadata.
TABLES = (
    tables,
    cost_tables,
    exchange_tables,
    indicator_tables,
    tiering_tables,
    segment_tables,
    profile_tables,
    insight_tables,
    serving_tables,
)
event_tables.add_to(metadata)
web_tables.add_to(metadata)

HISTORY = History("valuation", metadata)
