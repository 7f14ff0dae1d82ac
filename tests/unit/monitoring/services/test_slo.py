"""The watchdog over objectives, from minutes of requests to alarms."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from apps.core.jobs import run_now
from apps.monitoring.intervals import MINUTE
from apps.monitoring.models import GaugeSample, Objective, RequestMinute, SloSample
from apps.monitoring.selectors.slo import slo_series, standings
from apps.monitoring.services import slo
from apps.notifications.models import Alert

pytestmark = pytest.mark.django_db
SLOT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def minutes(scope: str, count: int, until: datetime = SLOT, total: int = 100, **bad: int) -> None:
    RequestMinute.objects.bulk_create(
        RequestMinute(scope=scope, minute=until - number * MINUTE, total=total, milliseconds=total * 20, **bad)
        for number in range(1, count + 1)
    )


def open_alarms() -> dict[str, str]:
    return dict(Alert.objects.filter(resolved_at=None).values_list("subject", "severity"))


@time_machine.travel(SLOT, tick=False)
def test_from_well_to_bad_to_well():
    minutes("api", 40 * 60, SLOT - timedelta(minutes=70), total=1)  # two quiet days before
    minutes("api", 70)
    assert slo.slo_watchdog(SLOT) == "api-availability ok, api-latency ok, pages-availability ok, pages-latency ok"
    assert open_alarms() == {}
    later = SLOT + timedelta(minutes=20)
    minutes("api", 20, later, over_50=90, over_100=90, over_200=90, failed=0)
    minutes("pages", 20, later, total=1, failed=1)  # nearly nobody is there
    slo.slo_watchdog(later)
    assert open_alarms() == {"api-latency:warning": "warning"}, "20 minutes of an hour burn at 6, 10 is critical"
    worse = SLOT + timedelta(minutes=50)
    minutes("api", 30, worse, over_50=90, over_100=90, over_200=90)
    slo.slo_watchdog(worse)
    assert open_alarms() == {"api-latency:critical": "critical"}
    slo.slo_watchdog(worse)
    assert Alert.objects.count() == 2, "each told once, however often it is seen"
    well = worse + timedelta(hours=7)
    minutes("api", 7 * 60, well)
    slo.slo_watchdog(well)
    assert open_alarms() == {}


def test_a_new_installation_is_not_judged_by_its_first_minutes():
    """Each look as it comes: the start was slow, and nothing is said before a window is half filled."""
    began = SLOT + timedelta(minutes=2)
    told: dict[int, str] = {}
    for minute in range(0, 45, 5):
        slot = SLOT + timedelta(minutes=minute)
        RequestMinute.objects.all().delete()
        if slot > began:
            minutes("pages", (slot - began) // MINUTE, slot, over_50=90, over_100=90, over_200=90, over_500=90)
        with time_machine.travel(slot, tick=False):
            slo.slo_watchdog(slot)
        told[minute] = open_alarms().get("pages-latency:critical", "")
    assert [minute for minute, severity in told.items() if severity] == [35, 40]
    sample = SloSample.objects.get(objective="pages-latency", at=SLOT + timedelta(minutes=40))
    assert (sample.burn_1h, sample.burn_6h, sample.burn_3d) == (pytest.approx(18), None, None)


def test_a_fault_in_a_hundred_is_ten_times_what_is_allowed():
    minutes("api", 360, failed=1)
    slo.slo_watchdog(SLOT)
    assert open_alarms() == {"api-availability:critical": "critical"}
    sample = SloSample.objects.get(objective="api-availability")
    assert (sample.total, sample.bad) == (500, 5)
    assert sample.burn_1h == pytest.approx(10)
    assert sample.severity == "critical"
    assert sample.p95_ms == 48


def test_what_staff_changed_stays_and_counts():
    slo.ensure_objectives()
    Objective.objects.filter(code="api-latency").update(threshold_ms=50, target=Decimal("99"))
    assert slo.ensure_objectives() == 0
    minutes("api", 360, over_50=50)
    slo.slo_watchdog(SLOT)
    assert open_alarms() == {"api-latency:critical": "critical"}
    Objective.objects.filter(code="api-latency").update(enabled=False)
    slo.slo_watchdog(SLOT + 5 * MINUTE)
    assert open_alarms() == {}, "what nobody watches alarms nobody"


def test_series_and_standing():
    minutes("api", 10, over_50=10, over_100=10, over_200=4)
    with time_machine.travel(SLOT, tick=False):
        slo.slo_watchdog(SLOT - 5 * MINUTE)
        slo.slo_watchdog(SLOT)
        assert [sample.bad for sample in slo_series("api-latency", SLOT - timedelta(hours=1))] == [20, 20]
        found = {one.objective.code: one for one in standings()}
    assert found["api-latency"].budget_left == pytest.approx(0.2)
    assert found["pages-latency"].budget_left is None


def test_a_few_requests_overdraw_nothing():
    minutes("pages", 1, total=49, failed=4)
    with time_machine.travel(SLOT, tick=False):
        slo.slo_watchdog(SLOT)
        assert {one.budget_left for one in standings()} == {None}


def test_the_job_by_hand(django_assert_max_num_queries):
    minutes("api", 30)
    with django_assert_max_num_queries(120):
        run_now("slo_watchdog")
    assert SloSample.objects.count() == 4


def test_what_is_old_goes():
    minutes("api", 3, SLOT - timedelta(days=20))
    minutes("api", 3)
    slo.ensure_objectives()
    SloSample.objects.create(objective_id="api-latency", at=SLOT - timedelta(days=91), total=1, bad=0)
    GaugeSample.objects.create(name="a", at=SLOT - timedelta(days=31), value=1)
    assert slo.forget(SLOT) == "3 minutes of requests, 1 looks at objectives, 1 gauge values"
    assert RequestMinute.objects.count() == 3
