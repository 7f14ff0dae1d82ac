"""How an organization stands."""

import pytest

from apps.core.clock import now
from apps.usage.gate.either import gate
from apps.usage.limits import limits_of, set_limits
from apps.usage.selectors import standing
from tests.common.gates import call_of, record
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db


def test_standing_is_exact_up_to_this_call(organization, owner):
    set_limits(organization, "sandbox")
    for category in ("runs", "ping", "runs"):
        call = call_of(organization, limits_of(organization), category=category)
        gate.ask(lambda port, call=call: port.admit(call))
    record(make_organization(owner, "Other"), now())
    found = standing(organization)
    assert (found.used, found.remaining, found.percent) == (3, 997, 0)
    assert list(found.by_category.items()) == [("ping", 1), ("runs", 2)]


def test_tokens_are_told_apart_from_calls(organization):
    record(organization, now(), meter="tokens", value=41, category="summary")
    found = standing(organization)
    assert (found.tokens, found.used) == (41, 0)


@pytest.mark.parametrize(
    ("plan", "used", "remaining", "percent"),
    [("sandbox", 799, 201, 79), ("usage_developer", 12_345, 0, 123), ("enterprise", 5, None, None)],
)
def test_what_is_left(organization, plan, used, remaining, percent):
    set_limits(organization, plan)
    record(organization, now(), value=used)
    found = standing(organization)
    assert (found.used, found.remaining, found.percent) == (used, remaining, percent)


def test_a_quota_of_nothing_has_no_share(organization):
    set_limits(organization, "sandbox", calls=0)
    assert (standing(organization).remaining, standing(organization).percent) == (0, None)
