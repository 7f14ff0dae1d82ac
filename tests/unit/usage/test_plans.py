"""Plans are what the price list says."""

import pytest

from apps.usage.plans import PLANS, largest, plans_of


@pytest.mark.parametrize(
    ("code", "calls", "soft"),
    [
        ("sandbox", 1_000, False),
        ("pro", 10_000, False),
        ("enterprise", None, False),
        ("usage_developer", 10_000, True),
        ("usage_professional", 50_000, True),
        ("usage_enterprise", 250_000, True),
    ],
)
def test_each_plan(code: str, calls: int | None, soft: bool) -> None:
    plan = PLANS[code]
    assert (plan.calls, plan.soft) == (calls, soft)
    assert (plan.family == "usage") is soft


def test_families_are_complete() -> None:
    assert {plan.code for family in ("portal", "usage") for plan in plans_of(family)} == set(PLANS)


def test_of_several_plans_the_largest_holds() -> None:
    assert largest(["pro", "usage_enterprise", "sandbox"]) == "usage_enterprise"
    with pytest.raises(KeyError):
        largest(["pro", "gold"])
