"""All complaints of a customer at once: what happens to them when the customer is merged or erased."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from shared.db.statements import statement
from shared.db.work import Work

_OF = "IN (SELECT id FROM complaints WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])))"
_FILE_UNDER = statement(
    sa.text(
        "UPDATE complaints SET customer_id = CAST(:customer_id AS uuid)"
        " WHERE customer_id = ANY(CAST(:customer_ids AS uuid[]))"
    )
)
_BLANK = statement(
    sa.text(
        "UPDATE complaints SET description = '', external_number = NULL, satisfaction_comment = NULL,"
        " explanation = CASE WHEN explanation IS NOT NULL THEN '' END"
        " WHERE customer_id = ANY(CAST(:customer_ids AS uuid[])) RETURNING id"
    )
)
_BLANK_OTHERS = tuple(
    statement(sa.text(f"{sql} {_OF}"))
    for sql in (
        "UPDATE complaint_contacts SET name = NULL, email = NULL, phone = NULL WHERE complaint_id",
        "UPDATE complaint_timeline SET text = NULL WHERE text IS NOT NULL AND complaint_id",
        "UPDATE messages SET subject = '', body = '' WHERE complaint_id",
    )
)


async def file_under(work: Work, customer_ids: Sequence[UUID], customer_id: UUID) -> int:
    """Let all complaints of the customers be another's; how many."""
    return await work.execute(_FILE_UNDER, customer_ids=list(customer_ids), customer_id=customer_id)


async def blank(work: Work, customer_ids: Sequence[UUID]) -> list[UUID]:
    """Blank contacts, messages and every word by or to the customers; codes and instants stay. The complaints' ids.

    Causes and corrective actions stay: they are about the company's own work.
    """
    rows = await work.fetch_all(_BLANK, customer_ids=list(customer_ids))
    for statement_ in _BLANK_OTHERS:
        await work.execute(statement_, customer_ids=list(customer_ids))
    return [row["id"] for row in rows]
