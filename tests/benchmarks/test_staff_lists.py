"""Staff pages of billing cost with 100,000 customers about what they cost with 1,000.

What is measured: whole requests through Django's test client, in one process each, of two platforms on PostgreSQL that
differ in their number of customers. Rounds alternate between them; each is printed.
"""

import os
import statistics
from collections.abc import Iterator

import pytest

from tests.benchmarks.rounds import ROUNDS, machine
from tests.common.platform import Platform, running_platform

FEW, MANY = 1_000, int(os.environ.get("BENCH_CUSTOMERS", "100000"))
REQUESTS = 5
MOST_TIMES_SLOWER = 3.0
ADDRESSES = (
    "",
    "billing/customer/",
    "billing/customer/?hold=held",
    "billing/customer/?q=bench-700",
    "billing/customer/?q=owner700@example.com",
    "billing/customer/{customer}/change/",
    "billing/subscription/",
    "billing/subscription/?status__exact=past_due",
    "billing/subscription/?status__exact=paused",
    "billing/subscription/?line=api",
    "billing/subscription/?product=base",
    "billing/order/",
    "billing/order/?state__exact=open",
    "billing/invoice/",
    "billing/invoice/?status__exact=open&period=any",
    "billing/invoice/?status__exact=uncollectible&period=any",
    "billing/payment/",
    "billing/payment/?q=pi_700",
    "billing/payment/?q=bench-700",
    "billing/refund/?state__exact=refused",
    "billing/dispute/?status=open",
    "billing/creditgrant/",
    "billing/credituse/",
    "billing/entitlement/",
    "billing/overagereport/?state__exact=refused",
    "billing/privatecoupon/",
    "billing/abuseflag/?state=open",
    "integrations/stripeobject/?state__exact=dead",
)


@pytest.fixture(scope="module")
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Platform]]:
    """One with few customers, one with many."""
    folders = [tmp_path_factory.mktemp(name) for name in ("few", "many")]
    with (
        running_platform(folders[0], services=True) as (few, _),
        running_platform(folders[1], services=True) as (
            many,
            _,
        ),
    ):
        for size, platform in ((FEW, few), (MANY, many)):
            platform.call("tests.benchmarks.staff_listing:prepare", customers=size)
        yield {FEW: few, MANY: many}


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_hundred_thousand_customers_list_like_a_thousand(address: str, platforms: dict[int, Platform]) -> None:
    """The same questions to the database, and at most three times the time."""
    page = f"/admin/{address}"
    asked = {
        size: platform.call("tests.benchmarks.staff_listing:count_queries", address=page)
        for size, platform in platforms.items()
    }
    print(f"\n{page}: {asked[FEW]} queries at {FEW:,} customers, {asked[MANY]} at {MANY:,}\n  {machine()}")
    ratios = []
    for number in range(1, ROUNDS + 1):
        sizes = (FEW, MANY) if number % 2 else (MANY, FEW)
        took = {size: _milliseconds(platforms[size], page) for size in sizes}
        ratios.append(took[MANY] / took[FEW])
        print(f"  round {number}: {took[FEW]:6.1f} ms at {FEW:,} customers   {took[MANY]:6.1f} ms at {MANY:,}")
    print(f"  median of ratios: {statistics.median(ratios):.2f}")
    assert asked[FEW] == asked[MANY]
    assert statistics.median(ratios) <= MOST_TIMES_SLOWER


def _milliseconds(platform: Platform, page: str) -> float:
    """Of one request, as the mean of several."""
    took: float = platform.call("tests.benchmarks.staff_listing:seconds", address=page, times=REQUESTS)
    return 1000 * took / REQUESTS
