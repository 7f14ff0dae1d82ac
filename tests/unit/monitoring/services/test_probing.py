"""Looking every minute, and what follows from it."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from apps.core import heartbeat
from apps.core.kinds import StatusComponent
from apps.core.registry import contributed, registry
from apps.monitoring.intervals import MINUTE, minute_of
from apps.monitoring.models import Incident, Probe
from apps.monitoring.observing import tasks
from apps.monitoring.selectors.uptime import judged_minutes, uptime
from apps.monitoring.services import component_watch, incidents, probing
from apps.monitoring.services.component_watch import watch_components
from apps.monitoring.status.summary import summary
from apps.notifications.models import Alert

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, 20, tzinfo=UTC)


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(NOW, tick=False)
    return time_machine


@pytest.fixture
def alone(monkeypatch):
    """Probes one after the other in this thread: SQLite's memory is of one connection."""

    def ask_all(asked, minute):
        rows = []
        for one in asked:
            up, taken, seen = probing._examine(one)
            rows.append(Probe(component=one.name, minute=minute, up=up, latency_ms=taken, seen=seen))
        return rows

    monkeypatch.setattr(probing, "ask_all", ask_all)


def well(monkeypatch) -> None:
    monkeypatch.setattr(probing, "_examine", lambda _one: (True, 5, "well"))


@pytest.fixture
def started():
    """Tasks have been done here for some minutes."""
    for _beat in range(probing.BEGINS_AFTER // timedelta(seconds=heartbeat.HEARTBEAT_SECONDS)):
        heartbeat.record()


def test_what_starts_for_the_first_time_is_not_down(clock, alone, monkeypatch):
    monkeypatch.setattr(probing, "_examine", lambda one: (one.name != "runs", 5, "no worker took a tick lately"))
    begins = NOW + probing.BEGINS_AFTER
    while datetime.now(UTC) < begins:
        probing.probe_minute()
        watch_components()
        assert not Probe.objects.exists()
        heartbeat.record()
        clock.shift(timedelta(seconds=heartbeat.HEARTBEAT_SECONDS))
    well(monkeypatch)
    probing.probe_minute()
    assert Probe.objects.filter(up=True).count() == len(registry(StatusComponent).all())
    assert not Alert.objects.exists()
    heartbeat.forget(NOW + timedelta(days=9))  # away for days
    clock.move_to(NOW + timedelta(days=9), tick=False)
    probing.probe_minute()
    assert Probe.objects.filter(minute=minute_of(datetime.now(UTC))).exists(), "only the first start is waited for"


def test_each_minute_once_however_often_it_is_asked(clock, alone, started, monkeypatch):
    well(monkeypatch)
    count = len(registry(StatusComponent).all())
    for _tick in range(3):
        probing.probe_minute()
        clock.shift(timedelta(seconds=15))
    assert Probe.objects.count() == count
    clock.shift(timedelta(seconds=15))
    probing.probe_minute()
    assert Probe.objects.count() == 2 * count
    assert set(Probe.objects.values_list("minute", flat=True)) == {minute_of(NOW), minute_of(NOW) + MINUTE}


def test_whatever_breaks_is_down_and_tells_no_secret(settings):
    def broken():
        raise ConnectionError("postgres://levqor:hunter2hunter2@db\nBearer abcdefghijklmnopqrstuvwxyz")

    up, _taken, seen = probing._examine(StatusComponent("tried", "Tried", "", broken))
    assert not up
    assert seen.startswith("ConnectionError: ")
    assert "hunter2" not in seen
    assert "abcdefghij" not in seen


def test_one_that_hangs_holds_up_no_other(monkeypatch):
    monkeypatch.setattr(probing, "PATIENCE_SECONDS", 0.1)
    quick = StatusComponent("quick", "Quick", "", lambda: "fine")
    slow = StatusComponent("slow", "Slow", "", lambda: time.sleep(0.4) or "late")
    began = time.monotonic()
    rows = {row.component: row for row in probing.ask_all([slow, quick], NOW)}
    assert time.monotonic() - began < 0.35
    assert (rows["quick"].up, rows["slow"].up, rows["slow"].seen) == (True, False, "no answer in time")


def seen(component: str, *minutes: bool) -> None:
    """What the last minutes were like, the newest first."""
    last = minute_of(datetime.now(UTC)) - MINUTE
    for number, up in enumerate(minutes):
        Probe.objects.update_or_create(component=component, minute=last - number * MINUTE, defaults={"up": up})


def test_staff_hear_after_two_minutes_and_people_after_five(clock):
    seen("api", False, True, True, True, True, True)
    watch_components()
    assert not Alert.objects.exists()
    seen("api", False, False, True, True, True, True)
    watch_components()
    watch_components()
    assert [(alert.code, alert.subject) for alert in Alert.objects.all()] == [("component_down", "api")]
    assert not Incident.objects.exists()
    seen("api", False, False, False, False, False, True)
    watch_components()
    watch_components()
    incident = Incident.objects.get()
    assert (incident.automatic, incident.impact, incident.updates.count()) == (True, "critical", 1)
    seen("runs", False, False, False, False, False)
    watch_components()
    watch_components()
    assert set(incident.components.values_list("component", flat=True)) == {"api", "runs"}
    assert incident.updates.count() == 2
    for one in ("api", "runs"):
        seen(one, True, True, True, True, True)
    watch_components()
    watch_components()
    incident.refresh_from_db()
    assert (incident.state, incident.updates.count()) == ("resolved", 3)
    assert not Alert.objects.filter(resolved_at=None).exists()


def maintain(*names: str, minutes: int) -> None:
    moment = datetime.now(UTC)
    incidents.announce_maintenance(
        "Move", "We move.", list(names), starts_at=moment, ends_at=moment + timedelta(minutes=minutes)
    )


def test_staff_are_not_woken_by_what_is_maintained_until_its_end(clock):
    maintain("api", minutes=10)
    for _minute in range(9):
        seen("api", False, False)
        seen("runs", True, True)
        incidents.advance_maintenance()
        watch_components()
        clock.shift(MINUTE)
    assert not Alert.objects.exists()
    seen("runs", False, False)
    watch_components()
    assert [alert.subject for alert in Alert.objects.all()] == ["runs"]
    for _minute in range(3):  # it ends at 12:10:20, and of the minute in which it does nothing is known
        incidents.advance_maintenance()
        clock.shift(MINUTE)
        seen("api", False, False)
        watch_components()
        assert not Alert.objects.filter(subject="api").exists()
    clock.shift(MINUTE)
    seen("api", False, False)
    watch_components()
    assert Alert.objects.filter(subject="api", resolved_at=None).exists()
    assert not Incident.objects.filter(automatic=True, components__component="api").exists()


@pytest.mark.parametrize("second", [5, 16, 20])
@pytest.mark.parametrize("completed", ["at its time", "early"])
def test_after_a_flawless_maintenance_nobody_is_told_of_an_outage(
    clock, alone, started, monkeypatch, completed, second
):
    ends = NOW.replace(second=0)
    planned = ends if completed == "at its time" else ends + timedelta(hours=1)
    clock.move_to(ends - timedelta(minutes=10), tick=False)
    work = incidents.announce_maintenance("Move", "We move.", ["api"], starts_at=datetime.now(UTC), ends_at=planned)
    monkeypatch.setattr(probing, "_examine", lambda one: (one.name != "api", 5, ""))
    for _minute in range(10):
        tasks.probe_components()
        clock.shift(MINUTE)
    if completed == "early":
        incidents.post_update(work, "completed", "Done.")
    well(monkeypatch)
    told = set()
    for _minute in range(8):
        clock.move_to(minute_of(datetime.now(UTC)) + timedelta(seconds=second), tick=False)
        tasks.probe_components()
        told |= {one["status"] for one in summary().value["components"]}
        clock.shift(MINUTE)
    assert not Alert.objects.exists()
    assert not Incident.objects.filter(automatic=True).exists()
    assert told <= {"operational", "unknown"}


def test_what_is_still_down_after_its_maintenance_takes_the_usual_minutes(clock, alone, started, monkeypatch):
    ends = NOW.replace(second=0)
    clock.move_to(ends - timedelta(minutes=10), tick=False)
    incidents.announce_maintenance("Move", "We move.", ["api"], starts_at=datetime.now(UTC), ends_at=ends)
    monkeypatch.setattr(probing, "_examine", lambda one: (one.name != "api", 5, ""))
    alarmed, opened = [], []
    while datetime.now(UTC) < ends + 8 * MINUTE:
        tasks.probe_components()
        alarmed += Alert.objects.filter(subject="api").exists() * [datetime.now(UTC)]
        opened += Incident.objects.filter(automatic=True).exists() * [datetime.now(UTC)]
        clock.shift(timedelta(seconds=20))
    assert alarmed[0] - ends == MINUTE + timedelta(seconds=20), "the second bad minute was looked at"
    assert opened[0] - ends == 4 * MINUTE + timedelta(seconds=20)


def test_looking_costs_the_same_however_much_is_maintained(clock, django_assert_max_num_queries):
    names = [one.name for one in registry(StatusComponent).all()]
    for name in names:
        seen(name, *[True] * 5)
        maintain(name, minutes=10)
        maintain(*names, minutes=20)
    with django_assert_max_num_queries(4):
        assert len(judged_minutes(names, 5)) == len(names)


def test_what_was_down_before_its_maintenance_may_end_within_it(clock):
    seen("api", False, False)
    watch_components()
    maintain("api", minutes=60)
    watch_components()
    assert Alert.objects.get().is_open
    clock.shift(3 * MINUTE)
    seen("api", True, True)
    watch_components()
    assert not Alert.objects.get().is_open


def test_maintenance_that_staff_began_early_or_ended_counts_as_they_say(clock):
    moment = datetime.now(UTC)
    early = incidents.announce_maintenance(
        "Move", "We move.", ["api"], starts_at=moment + timedelta(hours=1), ends_at=moment + timedelta(hours=2)
    )
    incidents.post_update(early, "in_progress", "We begin now.")
    seen("api", True)
    for _minute in range(5):
        clock.shift(MINUTE)
        seen("api", False)
        watch_components()
    incidents.post_update(early, "completed", "Done.")
    watch_components()
    assert not Alert.objects.exists()
    assert uptime("api", moment, datetime.now(UTC)).expected == 0, "its minutes count neither way"
    clock.shift(2 * MINUTE)
    seen("api", False)
    watch_components()
    assert not Alert.objects.exists()
    clock.shift(MINUTE)
    seen("api", False)
    watch_components()
    assert Alert.objects.filter(subject="api").exists()
    assert not Incident.objects.filter(automatic=True).exists()


def test_a_component_that_is_gone_keeps_nothing_open(clock):
    with contributed(StatusComponent("gone", "Gone", "", lambda: "fine")):
        seen("gone", *[False] * 5)
        seen("api", *[False] * 5)
        watch_components()
    incident = Incident.objects.get()
    seen("runs", *[False] * 5)
    watch_components()
    assert Alert.objects.filter(resolved_at=None).count() == 2
    assert not Alert.objects.filter(resolved_at=None, subject="gone").exists()
    assert set(incident.components.values_list("component", flat=True)) == {"api", "runs"}
    for one in ("api", "runs"):
        seen(one, *[True] * 5)
    watch_components()
    incident.refresh_from_db()
    assert incident.state == "resolved"


def test_an_incident_of_what_is_gone_alone_is_over(clock):
    with contributed(StatusComponent("gone", "Gone", "", lambda: "fine")):
        seen("gone", *[False] * 5)
        watch_components()
    watch_components()
    assert Incident.objects.get().state == "resolved"
    assert not Alert.objects.filter(resolved_at=None).exists()


def test_what_staff_wrote_to_is_theirs(clock):
    seen("api", *[False] * 5)
    watch_components()
    incident = Incident.objects.get()
    incidents.post_update(incident, "identified", "A disk.")
    seen("api", *[True] * 5)
    watch_components()
    incident.refresh_from_db()
    assert incident.state == "identified"


def test_what_is_told_already_is_not_told_again(clock):
    incidents.open_incident("Slow", "We look.", {"api": "partial_outage"})
    seen("api", *[False] * 5)
    watch_components()
    assert Incident.objects.count() == 1


def test_missing_minutes_are_bad_ones(clock):
    seen("api", True)
    clock.shift(timedelta(minutes=7))
    watch_components()
    assert Alert.objects.filter(code="component_down", subject="api").exists()


def test_runs_and_schedules_need_a_worker(clock):
    names = {one.name: one for one in registry(StatusComponent).all()}
    for name in ("runs", "schedules"):
        assert not probing._examine(names[name])[0]
    heartbeat.record()
    for name in ("runs", "schedules", "mail", "payments"):
        assert probing._examine(names[name])[0], name


def test_two_workers_open_one_incident(clock):
    """Both saw that there was none: the second makes no other, and breaks nothing of what it is within."""
    for _worker in range(2):
        component_watch._open(["api"], {"api": "API"})
    assert Incident.objects.get().updates.count() == 1
