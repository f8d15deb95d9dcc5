"""Which registered customer a caller or a complainant of the logs is."""

from collections.abc import Sequence
from dataclasses import dataclass

from careloop.sample.client import SuiteClient
from careloop.sample.complaint_plan import stable_share


@dataclass(frozen=True, slots=True)
class Register:
    """The registered customers, in the order of their external ids: the same in every run."""

    ids: Sequence[str]

    def of(self, caller: str) -> str:
        """The customer id of whoever has this name in a log; always the same one."""
        return self.ids[int(stable_share(caller, "customer") * len(self.ids))]


async def read_register(client: SuiteClient) -> Register:
    """All customers that the valuation service knows."""
    found = [
        (customer["external_id"] or customer["number"], customer["id"])
        async for customer in client.pages("/valuation/v1/customers", sort="registered_at")
    ]
    return Register([customer_id for _, customer_id in sorted(found)])
