"""All checks every six hours: rows, changes, alarms; and the nightly log of how the system is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.core.kinds import Gauge, HealthCheck, PulseMetric
from apps.core.models import JobRun
from apps.core.registry import contributed, registry
from apps.monitoring.models import HealthResult, HealthRun
from apps.monitoring.services import health, looking, verifying
from apps.monitoring.services.health import health_monitor, system_health_log
from apps.monitoring.services.looking import Seen, keep
from apps.notifications.models import Alert
from apps.notifications.services.alerts import fire

pytestmark = pytest.mark.django_db
SIX = datetime(2026, 3, 12, 6, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Two checks; what the disk says is the test's."""
    state = {"state": "ok", "seen": "80 GB free"}
    monkeypatch.setattr(registry(HealthCheck), "_items", {})
    checks = (
        HealthCheck("disk", "Disk", lambda: (state["state"], state["seen"])),  # type: ignore[return-value, arg-type]
        HealthCheck("broken", "Broken", lambda: ("warning", "so so")),
    )
    with contributed(*checks), time_machine.travel(SIX, tick=False):
        yield state


def test_what_was_seen_is_kept_with_what_changed(disk: dict[str, str]) -> None:
    assert health_monitor(SIX) == "1 check fine, 1 with a warning (Broken); 0 changed"
    disk.update(state="failed", seen="0.1 GB free, password: hunter22")
    words = health_monitor(SIX + 6 * HOUR)
    assert words.startswith("1 of 2 checks failed: Disk: 0.1 GB free")
    assert words.endswith("; 1 changed (Disk)")
    result = HealthResult.objects.get(run__slot=SIX + 6 * HOUR, check_name="disk")
    assert (result.state, result.before, result.changed) == ("failed", "ok", True)
    assert "hunter22" not in result.detail + words
    assert not HealthRun.objects.get(slot=SIX + 6 * HOUR).ok


def test_the_same_six_hours_are_one_row(disk: dict[str, str]) -> None:
    health_monitor(SIX)
    health_monitor(SIX + 5 * HOUR + timedelta(minutes=59, seconds=3))
    assert [run.slot for run in HealthRun.objects.all()] == [SIX]
    health_monitor(SIX + 6 * HOUR)
    assert HealthRun.objects.count() == 2
    assert HealthResult.objects.count() == 4


def test_a_check_that_fails_alarms_until_it_does_not(disk: dict[str, str]) -> None:
    disk.update(state="failed", seen="full")
    health_monitor(SIX)
    health_monitor(SIX + 6 * HOUR)
    alert = Alert.objects.get()
    assert (alert.subject, alert.title, alert.detail, alert.is_open, alert.times) == (
        "disk", "Health check failed: Disk", "full", True, 2
    )  # fmt: skip
    disk.update(state="ok")
    health_monitor(SIX + 12 * HOUR)
    alert.refresh_from_db()
    assert not alert.is_open


def test_a_check_that_is_gone_alarms_no_more(disk: dict[str, str]) -> None:
    fire(verifying.FAILED_ALERT, "gone", {})
    with contributed(HealthCheck("gone", "Gone", lambda: ("failed", "broken"))):
        health_monitor(SIX)
    assert Alert.objects.get(code=health.CHECK_ALERT).is_open
    health_monitor(SIX + 6 * HOUR)
    assert not Alert.objects.get(code=health.CHECK_ALERT).is_open
    assert Alert.objects.get(code=verifying.FAILED_ALERT).is_open, "another's"


def test_old_looks_are_forgotten_by_their_kind(disk: dict[str, str]) -> None:
    for kind in HealthRun.Kind.values:
        for age in (DAY, 91 * DAY, 1_101 * DAY):
            keep(kind, SIX - age, [Seen("disk", "Disk", "ok", "")])
    health_monitor(SIX)
    system_health_log(SIX)
    left = HealthRun.objects.values_list("kind", flat=True)
    assert {kind: list(left).count(kind) for kind in HealthRun.Kind.values} == {"monitor": 2, "log": 3, "verifier": 3}
    assert looking.forget(HealthRun.Kind.VERIFIER) == 1


def test_the_log_counts_the_day_before(disk: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry(Gauge), "_items", {})
    monkeypatch.setattr(registry(PulseMetric), "_items", {})
    for number, state in enumerate(("succeeded", "succeeded", "failed", "skipped")):
        JobRun.objects.create(job="x", slot=SIX - DAY + number * HOUR, state=state, started_at=SIX)
    JobRun.objects.create(job="x", slot=SIX, state="failed", started_at=SIX)
    with time_machine.travel(SIX - DAY, tick=False):
        fire(health.CHECK_ALERT, "disk", {})
    told = (
        Gauge("queue", "Waiting", lambda: {(): 7.0}),
        Gauge("runs", "By state", lambda: {("failed",): 2.0, ("done",): 5.0}, ("state",)),
        Gauge("broken", "Breaks", lambda: {(): 1 / 0}),
        PulseMetric("runs_failed", "Failed", "count", lambda _start, _end: 1 // 0, "Workflows"),
        PulseMetric("runs", "Runs", "count", lambda start, end: int((end - start) / HOUR) + start.day, "Workflows"),
    )
    with contributed(*told):
        words = system_health_log(SIX)
        system_health_log(SIX + HOUR)
    assert words.endswith("the day before: 2 jobs done, 1 failed, alarms: 1")
    run = HealthRun.objects.get()
    assert run.slot == datetime(2026, 3, 12, tzinfo=UTC)
    assert run.figures == {
        "jobs_done": 2, "jobs_failed": 1, "alerts_opened": 1, "alerts_open": 1, "deliveries_due": 0,
        "deliveries_dead": 0, "runs": 24 + 11, "runs_failed": None,
        "gauges": {"queue": 7.0, "runs{failed}": 2.0, "runs{done}": 5.0},
    }  # fmt: skip
