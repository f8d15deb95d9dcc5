"""In which order the rows of an import are booked: customer by customer, and what amends a purchase after them all.

A row's turn follows from its customer, so that the rows of one customer are booked together: its standing is locked
and written once for many of them. Two lanes share the turns and so never wait for each other's customers.
"""

from uuid import UUID
from zlib import crc32

from services.valuation.domain.ledger import Kind

# With a million rows a turn holds about as many as a batch.
PURCHASE_TURNS = 256
LAST_TURN = 2 * PURCHASE_TURNS - 1
LANES = 2


def turn_of(kind: Kind, customer_id: UUID | None, customer_external_id: str | None) -> int:
    """The turn of a row that names its customer by either: 0 to 255 for purchases, from 256 on for the rest."""
    name = customer_id.bytes if customer_id is not None else (customer_external_id or "").encode()
    turn = crc32(name) % PURCHASE_TURNS
    return turn if kind == "purchase" else turn + PURCHASE_TURNS


def turns_of(lane: int | None) -> tuple[int, int]:
    """First and last turn of a lane, which are purchases; of no lane: all there are."""
    if lane is None:
        return 0, LAST_TURN
    width = PURCHASE_TURNS // LANES
    return lane * width, (lane + 1) * width - 1
