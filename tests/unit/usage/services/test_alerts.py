"""80 and 100 % of the quota: told once a month, to those whose calls are live."""

from datetime import UTC, datetime

import pytest
import time_machine

from apps.accounts.models import Organization
from apps.core.models import DomainEvent
from apps.usage.limits import set_limits
from apps.usage.models import QuotaAlert, UsageTotal
from apps.usage.services.alerts import QUOTA_REACHED, alert_quotas
from tests.common.gates import record

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def use(organization, calls, at=NOON, **fields):
    record(organization, at, value=calls, **fields)


def told():
    """What was told since the last look."""
    alert_quotas()
    rows = DomainEvent.objects.filter(name=QUOTA_REACHED).order_by("pk")
    found = [
        (row.payload["percent"], row.payload["calls"], row.payload["quota"], row.payload["period"]) for row in rows
    ]
    rows.delete()
    return found


@pytest.mark.parametrize(
    ("calls", "shares"), [(0, []), (799, []), (800, [80]), (999, [80]), (1000, [80, 100]), (5000, [80, 100])]
)
def test_at_which_share(organization, calls, shares):
    set_limits(organization, "sandbox")
    use(organization, calls)
    assert [percent for percent, *_rest in told()] == shares


def test_each_share_once_a_month(organization, clock):
    set_limits(organization, "sandbox")
    use(organization, 800)
    assert told() == [(80, 800, 1000, "2026-11")]
    use(organization, 100)
    assert told() == []
    use(organization, 100)
    assert told() == [(100, 1000, 1000, "2026-11")]
    use(organization, 100)
    assert told() == []
    december = datetime(2026, 12, 3, tzinfo=UTC)
    clock.move_to(december)
    assert told() == []
    use(organization, 800, december)
    assert told() == [(80, 800, 1000, "2026-12")]


def test_what_is_taken_back_and_used_again_is_not_told_again(organization):
    set_limits(organization, "sandbox")
    use(organization, 800)
    use(organization, -1)
    use(organization, 1)
    assert len(told()) == 1
    use(organization, -1)
    use(organization, 1)
    assert told() == []


def test_a_lowered_quota_is_told_at_once_and_a_raised_one_counts_anew(organization):
    set_limits(organization, "pro")
    use(organization, 900)
    assert told() == []
    set_limits(organization, "pro", calls=1_000)
    assert told() == [(80, 900, 1000, "2026-11")]
    set_limits(organization, "pro", calls=900)
    assert told() == [(80, 900, 900, "2026-11"), (100, 900, 900, "2026-11")]
    set_limits(organization, "pro")
    assert told() == []
    use(organization, 7_100)
    assert told() == [(80, 8_000, 10_000, "2026-11")]
    set_limits(organization, "pro", calls=900)
    assert told() == [], "of this quota they were told"


def test_soft_plans_are_told_too_and_unlimited_ones_never(organization):
    set_limits(organization, "enterprise")
    use(organization, 9_000)
    assert told() == []
    set_limits(organization, "usage_developer")
    assert [percent for percent, *_rest in told()] == [80]
    set_limits(organization, "enterprise", calls=9_000)
    assert [percent for percent, *_rest in told()] == [80, 100]


def test_the_default_plan_holds_where_none_was_set(organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    use(organization, 800)
    assert told() == [(80, 800, 1000, "2026-11")]


def test_sandboxes_other_meters_and_quotas_of_nothing_are_not_told(organization):
    set_limits(organization, "sandbox")
    use(organization, 5_000, meter="tokens")
    assert told() == []
    use(organization, 5_000)
    set_limits(organization, "sandbox", calls=0)
    assert told() == []
    set_limits(organization, "sandbox")
    Organization.objects.filter(pk=organization.pk).update(livemode=False)
    UsageTotal.objects.unscoped().create(organization=organization, period="2026-11-27", meter="api_calls", total=100)
    assert told() == []


def test_the_event_names_its_organization(organization):
    set_limits(organization, "sandbox")
    use(organization, 800)
    assert alert_quotas() == 1
    event = DomainEvent.objects.get(name=QUOTA_REACHED)
    assert (event.organization_id, event.realm_id) == (organization.pk, organization.realm_id)
    alert = QuotaAlert.objects.for_organization(organization).get()
    assert (alert.percent, alert.calls, alert.quota, alert.period) == (80, 800, 1000, "2026-11")
