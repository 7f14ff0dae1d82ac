"""Plans are what the price list says."""

import pytest

from apps.usage.plans import PLANS, REFUND_DAYS, plans_of


@pytest.mark.parametrize(
    ("code", "calls", "price", "overage", "support"),
    [
        ("sandbox", 1_000, "$0.00", None, "Community"),
        ("pro", 10_000, "$19.00", None, "Email"),
        ("enterprise", None, "$199.00", None, "SLA"),
        ("usage_developer", 10_000, "$29.00", "$3.00", "Email"),
        ("usage_professional", 50_000, "$99.00", "$2.00", "Email"),
        ("usage_enterprise", 250_000, "$299.00", "$1.50", "SLA"),
    ],
)
def test_each_plan(code: str, calls: int | None, price: str, overage: str | None, support: str) -> None:
    plan = PLANS[code]
    assert (plan.calls, str(plan.price), plan.support) == (calls, price, support)
    assert (plan.overage and str(plan.overage)) == overage
    assert (plan.family == "usage") is (plan.overage is not None)


def test_families_are_complete_and_refunds_take_a_week() -> None:
    assert {plan.code for family in ("portal", "usage") for plan in plans_of(family)} == set(PLANS)
    assert REFUND_DAYS == 7
