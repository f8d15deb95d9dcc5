"""Rate limits per principal and per address: token buckets in this process, bounded in number."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.types import Scope

from shared.kernel.errors import RateLimitedError
from shared.web.authentication import Principal

TRACKED = 50_000
STATE = "careloop.rate_limit"


@dataclass(frozen=True, slots=True)
class Rate:
    """`requests` in each `window_seconds`; the bucket holds one window's worth."""

    requests: int
    window_seconds: int = 60


class Buckets:
    """Token buckets by caller, at most `TRACKED`; the least recently used is forgotten first (and so full)."""

    def __init__(self, rate: Rate, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self.rate = rate
        self._per_second = rate.requests / rate.window_seconds
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def tracked(self) -> int:
        """How many callers are remembered."""
        return len(self._levels)

    def take(self, caller: str) -> tuple[float, float]:
        """Take one token: what is left, and the seconds to wait (0 when one was there)."""
        now = self._now()
        level, at = self._levels.get(caller, (float(self.rate.requests), now))
        level = min(float(self.rate.requests), level + (now - at) * self._per_second)
        wait = 0.0 if level >= 1 else (1 - level) / self._per_second
        level = level - 1 if level >= 1 else level
        self._levels[caller] = (level, now)
        self._levels.move_to_end(caller)
        if len(self._levels) > TRACKED:
            self._levels.popitem(last=False)
        return level, wait


class RateLimits:
    """The limits of one process. Headers follow the IETF draft (`RateLimit-Policy`, `RateLimit`)."""

    def __init__(
        self,
        *,
        per_principal: Rate | None,
        per_address: Rate | None,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        """`trusted_proxies` are the networks whose `X-Forwarded-For` is believed (the gateway's)."""
        self._principals = Buckets(per_principal) if per_principal else None
        self._addresses = Buckets(per_address) if per_address else None
        self._trusted = tuple(trusted_proxies)

    def take_for_address(self, scope: Scope) -> None:
        """Raises `RateLimitedError`."""
        if self._addresses is not None:
            self._take(scope, "address", self._addresses, self._address(scope))

    def take_for_principal(self, scope: Scope, principal: Principal) -> None:
        """Raises `RateLimitedError`."""
        if self._principals is not None:
            self._take(scope, "principal", self._principals, str(principal.actor))

    def headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """What the answer says about the limits that this request was counted against."""
        counted: list[tuple[str, Rate, float]] = scope.get(STATE, [])
        if not counted:
            return []
        policies = ", ".join(
            f'"{name}";q={rate.requests};w={rate.window_seconds}' for name, rate, _ in counted
        )
        states = ", ".join(
            f'"{name}";r={max(0, math.floor(left))};t={_full_after(rate, left)}'
            for name, rate, left in counted
        )
        return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", states.encode())]

    def _take(self, scope: Scope, name: str, buckets: Buckets, caller: str) -> None:
        left, wait = buckets.take(caller)
        scope.setdefault(STATE, []).append((name, buckets.rate, left))
        if wait > 0:
            raise RateLimitedError(retry_after_seconds=math.ceil(wait), limit=name)

    def _address(self, scope: Scope) -> str:
        client = scope.get("client")
        address: str = client[0] if client else "unknown"
        if not self._trusted or not self._is_trusted(address):
            return address
        for name, value in scope["headers"]:
            if name == b"x-forwarded-for":
                for hop in reversed(value.decode("latin-1").split(",")):
                    address = hop.strip()
                    if not self._is_trusted(address):
                        return address
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)


def _full_after(rate: Rate, left: float) -> int:
    return math.ceil((rate.requests - left) * rate.window_seconds / rate.requests)
