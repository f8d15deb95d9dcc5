"""A customer principal sees its own objects; anybody else's do not exist for it."""

from uuid import UUID

from services.valuation.domain.errors import CustomerNotFoundError
from shared.web.authentication import Principal


def require_own(principal: Principal, customer_id: UUID) -> None:
    """Raises `CustomerNotFoundError` for a customer who asks for another one."""
    if principal.is_customer and principal.customer_id != customer_id:
        raise CustomerNotFoundError
