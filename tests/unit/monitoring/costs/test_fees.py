"""Stripe's fees as they are estimated."""

from apps.monitoring.costs.fees import estimated_fees


def test_the_estimate_rounds_once() -> None:
    assert estimated_fees(0, 0) == 0
    assert estimated_fees(10_000, 1) == 290 + 30
    assert [estimated_fees(total, 0) for total in (17, 18, 500)] == [0, 1, 15]
