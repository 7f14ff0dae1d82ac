"""Schedules: each slot once, in its turn, and the declared policy when it comes late or while a run goes on."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.workflows import limits
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, Trigger
from apps.workflows.services import schedules
from apps.workflows.services.publishing import archive_workflow, create_workflow, publish_version, set_enabled
from apps.workflows.services.schedules import fire_due
from apps.workflows.services.trigger_settings import switch_trigger

pytestmark = pytest.mark.django_db

START = datetime(2026, 11, 20, 8, 58, tzinfo=UTC)


def scheduled(organization, policy="", step="{id: t, type: transform, with: {value: 1}}", cron="0 9 * * *", zone="UTC"):
    source = (
        f"name: S\ntriggers: [{{name: daily, type: cron, cron: '{cron}', timezone: {zone}{policy}}}]\nsteps: [{step}]"
    )
    return create_workflow(organization, source, None).workflow


def slots():
    runs = Run.objects.unscoped().order_by("pk")
    return [run.trigger_data["scheduled_for"][:16] for run in runs]


@pytest.fixture
def clock():
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def test_a_slot_fires_once_at_its_time(organization, clock):
    scheduled(organization)
    assert fire_due() == 0
    clock.move_to(START + timedelta(minutes=2))
    assert fire_due() == 1
    assert fire_due() == 0
    assert slots() == ["2026-11-20T09:00"]
    assert Trigger.objects.unscoped().get().slot == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_slot_fired_by_two_schedulers_starts_one_run(organization, clock):
    scheduled(organization)
    clock.move_to(START + timedelta(minutes=2))
    before = Trigger.objects.unscoped().get()
    fire_due()
    Trigger.objects.unscoped().update(slot=before.slot, due_at=before.due_at)  # as if the first had died before its end
    fire_due()
    assert slots() == ["2026-11-20T09:00"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("skip", []),
        ("latest", ["2026-11-23T09:00"]),
        ("all", ["2026-11-20T09:00", "2026-11-21T09:00", "2026-11-22T09:00", "2026-11-23T09:00"]),
    ],
)
def test_missed_slots_follow_the_catch_up_policy(organization, clock, policy, expected):
    scheduled(organization, f", catch_up: {policy}, overlap: allow")
    clock.move_to(datetime(2026, 11, 23, 12, tzinfo=UTC))
    fire_due()
    assert slots() == expected
    assert Trigger.objects.unscoped().get().slot == datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize(("policy", "runs"), [("skip", 1), ("allow", 2), ("queue", 1)])
def test_overlap(organization, clock, policy, runs):
    scheduled(organization, f", overlap: {policy}", step="{id: w, type: approval, with: {message: go?}}")
    clock.move_to(START + timedelta(minutes=2))
    fire_due()
    work()
    clock.move_to(START + timedelta(days=1, minutes=2))
    fire_due()
    assert Run.objects.unscoped().count() == runs
    Run.objects.unscoped().update(state="succeeded", finished_at=START)
    clock.shift(timedelta(seconds=10))
    fire_due()
    assert Run.objects.unscoped().count() == (2 if policy in ("allow", "queue") else 1)


def test_the_zone_decides_across_a_change_of_clocks(organization, clock):
    clock.move_to(datetime(2026, 3, 28, 12, tzinfo=UTC))
    scheduled(organization, zone="Europe/London")
    clock.move_to(datetime(2026, 3, 29, 8, 0, 30, tzinfo=UTC))  # 09:00 in London is 08:00 UTC from this day on
    fire_due()
    assert slots() == ["2026-03-29T08:00"]


def test_switched_off_workflows_do_not_fire(organization, clock):
    workflow = scheduled(organization)
    set_enabled(workflow, enabled=False)
    clock.move_to(START + timedelta(minutes=2))
    fire_due()
    assert slots() == []
    set_enabled(workflow, enabled=True)
    archive_workflow(workflow)
    clock.move_to(START + timedelta(days=1, minutes=2))
    fire_due()
    assert slots() == []


def test_wrong_inputs_are_told_at_the_trigger_and_do_not_stop_the_schedule(organization, clock):
    create_workflow(
        organization,
        "name: S\ninputs: {type: object, required: [x]}\n"
        "triggers: [{name: t, type: cron, cron: '0 9 * * *'}]\nsteps: [{id: t, type: transform, with: {value: 1}}]",
        None,
    )
    clock.move_to(START + timedelta(minutes=2))
    fire_due()
    trigger = Trigger.objects.unscoped().get()
    assert "failed" in trigger.last_outcome
    assert trigger.slot == datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_schedule_that_breaks_us_does_not_hold_up_the_others(organization, clock, monkeypatch):
    broken = scheduled(organization).triggers.get()
    create_workflow(
        organization,
        "name: Good\ntriggers: [{name: t, type: cron, cron: '0 9 * * *'}]\n"
        "steps: [{id: t, type: transform, with: {value: 1}}]",
        None,
    )
    real = schedules._start

    def start(trigger, slot):
        if trigger.pk == broken.pk:
            raise ZeroDivisionError
        return real(trigger, slot)

    monkeypatch.setattr(schedules, "_start", start)
    clock.move_to(START + timedelta(minutes=2))
    fire_due()
    assert [run.workflow.slug for run in Run.objects.unscoped()] == ["good"]
    broken.refresh_from_db()
    assert (broken.slot.hour, broken.due_at) == (9, START + timedelta(minutes=3))
    monkeypatch.undo()
    clock.shift(timedelta(minutes=2))
    fire_due()
    assert Run.objects.unscoped().count() == 2


MINUTES = {"cron": "* * * * *", "step": "{id: w, type: approval, with: {message: go?}}"}
NINE = datetime(2026, 11, 20, 9, tzinfo=UTC)


class KilledError(BaseException):
    """The process ends here: nothing of ours catches it."""


def trigger_now():
    return Trigger.objects.unscoped().get()


def finish():
    """The open runs end."""
    Run.objects.unscoped().filter(finished_at=None).update(state="succeeded", finished_at=NINE)


def look(clock, moment):
    clock.move_to(moment)
    return fire_due()


def look_often(clock, until):
    """What the platform does while it is up: a look every five seconds."""
    while datetime.now(UTC) < until:
        clock.shift(timedelta(seconds=5))
        fire_due()


def minutes(*numbers):
    return [f"2026-11-20T09:{number:02}" for number in numbers]


def test_missed_slots_of_a_queue_run_one_after_another(organization, clock):
    scheduled(organization, ", catch_up: all, overlap: queue", **MINUTES)  # next: 08:59
    look(clock, NINE + timedelta(minutes=5))
    assert slots() == ["2026-11-20T08:59"]
    assert trigger_now().last_outcome.endswith("; 6 slots wait for the last run to end")
    for number in range(6):
        look(clock, datetime.now(UTC) + timedelta(seconds=6))
        assert len(slots()) == number + 1, "nothing starts while the run before goes on"
        finish()
        look(clock, datetime.now(UTC) + timedelta(seconds=1 if number == 0 else 6))
        look(clock, datetime.now(UTC) + timedelta(seconds=6))
        assert len(slots()) == number + 2
    assert slots()[1:] == minutes(0, 1, 2, 3, 4, 5)


def test_missed_slots_of_a_skipping_schedule_run_in_turn_and_those_that_come_meanwhile_do_not(organization, clock):
    scheduled(organization, ", catch_up: all", **MINUTES)
    look(clock, NINE + timedelta(minutes=1, seconds=10))
    assert slots() == ["2026-11-20T08:59"]
    look_often(clock, NINE + timedelta(minutes=2, seconds=10))  # 09:02 comes while 08:59 runs
    assert "skipped: the last run had not ended; 2 slots wait" in trigger_now().last_outcome
    for _run in range(2):
        finish()
        look_often(clock, datetime.now(UTC) + timedelta(seconds=10))
    assert slots()[1:] == minutes(0, 1)
    finish()
    look_often(clock, NINE + timedelta(minutes=3, seconds=10))
    assert slots()[1:] == minutes(0, 1, 3)


def test_slots_that_come_while_a_queue_is_busy_are_not_missed(organization, clock):
    scheduled(organization, ", catch_up: skip, overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=10, seconds=30))  # the run of 08:59 goes on all the time
    assert slots() == ["2026-11-20T08:59"]
    assert len(trigger_now().waiting) == 11
    for number in range(1, 12):
        finish()
        look_often(clock, datetime.now(UTC) + timedelta(seconds=5))
        assert len(slots()) == number + 1
    assert slots()[1:] == minutes(*range(11))


def test_only_what_was_seen_in_time_waits_when_the_platform_goes_down_with_a_full_queue(organization, clock):
    scheduled(organization, ", catch_up: skip, overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=2, seconds=10))  # 09:00 to 09:02 wait
    look(clock, NINE + timedelta(minutes=30, seconds=10))  # down until here
    assert [slot[11:16] for slot in trigger_now().waiting] == ["09:00", "09:01", "09:02", "09:29", "09:30"]


def test_no_more_than_so_many_slots_wait_and_it_is_told_which_were_dropped(organization, clock, monkeypatch):
    monkeypatch.setattr(limits, "SLOTS_WAITING", 3)
    scheduled(organization, ", overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=5, seconds=10))
    trigger = trigger_now()
    assert [slot[11:16] for slot in trigger.waiting] == ["09:03", "09:04", "09:05"]
    told = "slots up to 2026-11-20 09:02 UTC were dropped: at most 3 wait"
    assert trigger.last_outcome == f"3 slots wait for the last run to end; {told}"
    finish()
    look_often(clock, datetime.now(UTC) + timedelta(seconds=5))
    assert trigger_now().last_outcome.endswith(f"; 2 slots wait for the last run to end; {told}"), "as long as any wait"
    for _run in range(2):
        finish()
        look_often(clock, datetime.now(UTC) + timedelta(seconds=5))
    finish()
    look_often(clock, NINE + timedelta(minutes=6, seconds=10))
    assert slots()[1:] == minutes(3, 4, 5, 6)
    assert trigger_now().last_outcome == f"started {Run.objects.unscoped().latest('pk').public_id}"


def test_long_translations_break_no_schedule(organization, clock, monkeypatch):
    monkeypatch.setattr(limits, "SLOTS_WAITING", 3)
    monkeypatch.setattr(schedules, "_", lambda words: f"{words} {'und so weiter ' * 12}")
    scheduled(organization, ", overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=5, seconds=10))
    assert len(slots()) == 1
    assert len(trigger_now().last_outcome) == 200


@pytest.mark.parametrize(("overlap", "runs"), [("allow", 3), ("queue", 1)])
def test_of_very_many_missed_slots_the_newest_run(organization, clock, monkeypatch, overlap, runs):
    monkeypatch.setattr(limits, "SLOTS_WAITING", 3)
    scheduled(organization, f", catch_up: all, overlap: {overlap}", **MINUTES)
    look(clock, NINE + timedelta(minutes=30, seconds=10))
    waiting = [slot[11:16] for slot in trigger_now().waiting]
    assert [slot[11:] for slot in slots()] + waiting == ["09:28", "09:29", "09:30"]
    assert len(slots()) == runs
    assert "slots up to 2026-11-20 09:27 UTC were dropped: at most 3 wait" in trigger_now().last_outcome


def test_a_late_look_loses_no_slot_that_is_not_missed_yet(organization, clock):
    """Two slots in one look, both within the two minutes: neither is late."""
    scheduled(organization, ", overlap: allow, catch_up: latest", **MINUTES)
    look(clock, NINE + timedelta(seconds=30))
    assert slots() == ["2026-11-20T08:59", "2026-11-20T09:00"]


@pytest.mark.parametrize("policy", ["queue", "skip", "allow"])
@pytest.mark.parametrize("line", ["before the run", "after the run", "at the end"])
def test_a_scheduler_killed_at_any_line_leaves_each_slot_to_the_next(organization, clock, monkeypatch, policy, line):
    scheduled(organization, f", catch_up: all, overlap: {policy}", **MINUTES)
    clock.move_to(NINE + timedelta(minutes=2, seconds=10))
    real_start, real_outcome = schedules.start_run, schedules._outcome

    def start(*args):
        if line == "after the run":
            real_start(*args)
        raise KilledError

    def outcome(*args):
        real_outcome(*args)
        raise KilledError

    if line == "at the end":
        monkeypatch.setattr(schedules, "_outcome", outcome)
    else:
        monkeypatch.setattr(schedules, "start_run", start)
    with pytest.raises(KilledError):
        fire_due()
    assert slots() == []
    monkeypatch.undo()
    for _run in range(5):
        fire_due()
        finish()
        clock.shift(timedelta(seconds=6))
    assert slots() == ["2026-11-20T08:59", *minutes(0, 1, 2)]


@pytest.mark.parametrize("policy", ["queue", "skip", "allow"])
def test_a_look_that_happens_twice_starts_each_slot_once(organization, clock, policy):
    scheduled(organization, f", catch_up: all, overlap: {policy}", **MINUTES)
    clock.move_to(NINE + timedelta(seconds=10))
    for _look in range(4):
        before = Trigger.objects.unscoped().values("slot", "due_at", "waiting").get()
        fire_due()
        finish()
        Trigger.objects.unscoped().update(**before)  # a row from before, as if read or brought back from then
        fire_due()
        finish()
        clock.shift(timedelta(seconds=6))
    assert slots() == ["2026-11-20T08:59", "2026-11-20T09:00"]


def test_a_slot_that_is_not_started_for_a_fault_of_ours_is_not_missed(organization, clock, monkeypatch):
    scheduled(organization, ", catch_up: skip")

    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr(schedules, "_outcome", broken)
    for number in range(10):
        look(clock, NINE + timedelta(minutes=number, seconds=number))
    assert slots() == [], "what the look did before is undone"
    assert trigger_now().last_outcome == "a fault on our side; tried again soon"
    monkeypatch.undo()
    look(clock, NINE + timedelta(minutes=11))
    assert slots() == minutes(0)


def test_pausing_forgets_the_slots_that_wait(organization, clock, monkeypatch):
    monkeypatch.setattr(limits, "SLOTS_WAITING", 2)
    scheduled(organization, ", overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=3))
    switch_trigger(trigger_now(), enabled=False)
    look_often(clock, NINE + timedelta(minutes=3, seconds=10))
    assert (trigger_now().waiting, trigger_now().last_outcome) == ([], "paused")
    switch_trigger(trigger_now(), enabled=True)
    finish()
    look_often(clock, NINE + timedelta(minutes=3, seconds=50))
    assert slots() == ["2026-11-20T08:59"]


def test_a_new_version_keeps_what_waits_unless_its_times_are_others(organization, clock):
    workflow = scheduled(organization, ", overlap: queue", **MINUTES)
    look_often(clock, NINE + timedelta(minutes=1, seconds=10))
    assert len(trigger_now().waiting) == 2
    source = workflow.latest_version.source
    publish_version(workflow, source.replace("overlap: queue", "overlap: allow, inputs: {a: 1}"), None)
    assert len(trigger_now().waiting) == 2
    publish_version(workflow, source.replace("* * * * *", "0 12 * * *"), None)
    assert (trigger_now().waiting, trigger_now().slot.hour) == ([], 12)


def test_the_last_run_is_known_and_stays_so_when_a_slot_is_skipped(organization, clock):
    scheduled(organization, **MINUTES)
    look(clock, NINE - timedelta(seconds=55))
    run = Run.objects.unscoped().get()
    assert (trigger_now().last_run, trigger_now().last_outcome) == (run, f"started {run.public_id}")
    fired = trigger_now().last_fired_at
    look(clock, NINE + timedelta(seconds=5))
    assert trigger_now().last_outcome == "skipped: the last run had not ended"
    assert (trigger_now().last_run, trigger_now().last_fired_at) == (run, fired)
    run.delete()
    assert trigger_now().last_run is None


def test_a_long_reason_leaves_room_for_what_was_dropped(organization, clock, monkeypatch):
    trigger = scheduled(organization, **MINUTES).triggers.get()
    trigger.dropped_until = NINE
    assert schedules._outcome(trigger, "failed: " + "x" * 300, "").endswith(
        "x; slots up to 2026-11-20 09:00 UTC were dropped: at most 100 wait"
    )
    assert len(schedules._outcome(trigger, "failed: " + "x" * 300, "")) == 200
