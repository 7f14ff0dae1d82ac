"""What holds for an organization: its plan, and what was set for it instead."""

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from apps.accounts.services import version_names
from apps.core import versions
from apps.core.clock import now
from apps.usage.limits import Limits, anonymous_limits, limits_of, set_extras, set_limits
from apps.usage.models import OrganizationLimits
from apps.usage.periods import month_of
from apps.usage.plans import PLANS
from tests.common.gates import client, forget_strikes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_what_a_plan_allows(organization, plan):
    set_limits(organization, plan.code)
    assert limits_of(organization) == Limits(plan.code, plan.per_minute, plan.calls, plan.soft)


def test_the_default_plan_where_none_was_set(organization, settings, django_assert_num_queries):
    settings.API_DEFAULT_PLAN = "sandbox"
    with django_assert_num_queries(1):
        assert limits_of(organization) == Limits("sandbox", 60, 1_000)


def test_figures_go_before_the_plans(organization):
    set_limits(organization, "pro", calls=5, per_minute=7)
    assert limits_of(organization) == Limits("pro", 7, 5)
    set_limits(organization, "enterprise", calls=0)
    assert limits_of(organization) == Limits("enterprise", 1_200, 0)
    set_limits(organization, "pro")
    assert limits_of(organization) == Limits("pro", 300, 10_000), "what was set before is not kept"


def test_a_sandbox_has_its_own_quota_whatever_the_plan(organization):
    set_limits(organization, "usage_enterprise", calls=50_000, per_minute=90)
    organization.livemode = False
    assert limits_of(organization) == Limits("usage_enterprise", 90, 100, span="day")


def test_ceilings_and_periods():
    moment = datetime(2026, 11, 27, 12, tzinfo=UTC)
    month = month_of(moment)
    assert Limits("x", 1, 5).ceiling(month) == 5
    assert Limits("x", 1, 5, soft=True).ceiling(month) is None
    assert Limits("x", 1, None).ceiling(month) is None
    assert Limits("x", 1, 5, credits=3, credits_of="2026-11").ceiling(month) == 8
    assert Limits("x", 1, 5, credits=3, credits_of="2026-10").ceiling(month) == 5, "of another month"
    assert Limits("x", 1, 5, soft=True, credits=3, credits_of="2026-11", overage=2).ceiling(month) == 10
    assert Limits("x", 1, 5, overage=2).ceiling(month) == 5, "only a soft quota has overage"
    assert Limits("x", 1, 5).period(moment).name == "2026-11"
    assert Limits("x", 1, 5, span="day").period(moment).name == "2026-11-27"


def test_callers_that_nobody_knows(settings):
    settings.API_ANONYMOUS_CALLS_PER_MINUTE = 33
    assert anonymous_limits() == Limits("anonymous", 33, None)


def test_it_is_noted_when_they_were_set(organization):
    set_limits(organization, "pro")
    first = OrganizationLimits.objects.for_organization(organization).get().changed_at
    set_limits(organization, "pro")
    assert first < OrganizationLimits.objects.for_organization(organization).get().changed_at <= now()


def test_an_unknown_plan_changes_nothing(organization):
    with pytest.raises(KeyError):
        set_limits(organization, "gold")
    assert not OrganizationLimits.objects.for_organization(organization).exists()


@pytest.mark.parametrize("wrong", [{"plan": "gold"}, {"per_minute": 0}])
def test_the_database_refuses_what_no_gate_understands(organization, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        OrganizationLimits.objects.unscoped().create(organization=organization, **wrong)


def test_nobody_goes_by_the_limits_of_before(organization):
    client()
    name = version_names.of_organization(organization.pk)
    [before] = versions.look([name])
    set_limits(organization, "pro")
    assert versions.look([name]) == [versions.BLOCKED]
    forget_strikes()
    assert versions.look([name]) != [before]


def test_credits_and_overage_are_pushed_beside_the_plan(organization):
    set_limits(organization, "usage_developer", per_minute=7)
    month = month_of(now())
    assert set_extras(organization, month, credits=500, overage=1_000)
    assert not set_extras(organization, month, credits=500, overage=1_000), "nothing new"
    limits = limits_of(organization)
    assert (limits.plan, limits.per_minute, limits.ceiling(month)) == ("usage_developer", 7, 11_500)
    set_limits(organization, "pro")
    assert limits_of(organization).ceiling(month) == 10_500, "a fixed plan has credits and no overage"


def test_credits_make_a_row_for_the_default_plan(organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    set_extras(organization, month_of(now()), credits=10, overage=None)
    assert limits_of(organization).plan == "sandbox"
    assert limits_of(organization).ceiling(month_of(now())) == 1_010
