"""Token buckets: who may come how often, and whose address is believed."""

from ipaddress import ip_network
from typing import Any

import pytest

from shared.kernel.errors import RateLimitedError
from shared.web import rate_limits
from shared.web.rate_limits import Buckets, Rate, RateLimits


class Time:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_refills_and_is_never_more_than_full() -> None:
    time = Time()
    buckets = Buckets(Rate(3, 60), now=time)
    assert [buckets.take("a")[1] for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a")[1] == pytest.approx(20)
    assert buckets.take("b")[1] == 0
    time.now += 20
    assert buckets.take("a")[1] == 0
    assert buckets.take("a")[1] > 0
    time.now += 86_400
    assert [buckets.take("a")[1] for _ in range(4)] == [0, 0, 0, pytest.approx(20)]


def test_callers_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "TRACKED", 100)
    buckets = Buckets(Rate(1, 60))
    for number in range(1_000):
        buckets.take(str(number))
    assert buckets.tracked == 100


def scope(client: str, *forwarded: str) -> dict[str, Any]:
    return {
        "client": (client, 1),
        "headers": [(b"x-forwarded-for", value.encode()) for value in forwarded],
    }


@pytest.mark.parametrize(
    ("client", "forwarded", "counted"),
    [
        ("10.0.0.2", ["7.7.7.7"], "7.7.7.7"),
        ("10.0.0.2", ["6.6.6.6, 7.7.7.7"], "7.7.7.7"),
        ("10.0.0.2", ["6.6.6.6, 7.7.7.7, 10.0.0.9"], "7.7.7.7"),
        ("10.0.0.2", [], "10.0.0.2"),
        ("9.9.9.9", ["7.7.7.7"], "9.9.9.9"),
    ],
)
def test_only_the_gateway_may_name_an_address(client: str, forwarded: list[str], counted: str) -> None:
    limits = RateLimits(
        per_principal=None, per_address=Rate(1, 60), trusted_proxies=[ip_network("10.0.0.0/8")]
    )
    limits.take_for_address(scope(client, *forwarded))
    with pytest.raises(RateLimitedError):
        limits.take_for_address(scope(counted))
