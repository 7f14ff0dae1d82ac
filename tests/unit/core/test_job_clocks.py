"""Scheduled jobs on clocks that change: daylight saving, ends of months and years, clocks set wrong and right again."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.core import cron, jobs
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import contributed, registry

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LONDON = "Europe/London"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Platform:
    """Beat, queue, worker and sweeper as they meet one job, by the wall clock."""

    def __init__(self, clock: Any, job: ScheduledJob, ran: list[datetime]) -> None:
        self.clock, self.job, self.ran = clock, job, ran

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def live(self, until: datetime, *, beat: bool = True) -> None:
        """Everything runs: beat sends at each slot, the sweeper looks when beat should have been heard."""
        began, late = self.now, jobs.BEATS_TURN + timedelta(seconds=5)
        happenings: list[tuple[datetime, bool]] = []
        for slot in cron.slots_between(self.job.crontab, self.job.tz, began - late, until):
            if slot > began and beat:
                happenings.append((slot + timedelta(seconds=1), True))
            if began < slot + late <= until:
                happenings.append((slot + late, False))
        for moment, by_beat in sorted(happenings):
            self.clock.move_to(moment)
            if by_beat:
                jobs.run_due_slot(self.job.name)
            else:
                jobs.sweep()
        self.clock.move_to(until)
        jobs.sweep()

    def step(self, by: timedelta) -> None:
        """Somebody sets the clock, and beat says at once what its calendar says then."""
        self.clock.shift(by)
        jobs.run_due_slot(self.job.name)
        jobs.sweep()

    def down(self, until: datetime) -> None:
        self.clock.move_to(until)

    def rows(self) -> dict[datetime, str]:
        return dict(JobRun.objects.values_list("slot", "state"))


@contextmanager
def platform(began: datetime, crontab: str, tz: str = "UTC", policy: Any = "latest") -> Iterator[Platform]:
    ran: list[datetime] = []
    job = ScheduledJob("timed", "Timed", lambda slot: str(ran.append(slot)), crontab, tz=tz, catch_up=policy)
    every = registry(ScheduledJob)
    before, every._items = every._items, {}
    try:
        with contributed(job), time_machine.travel(began, tick=False) as clock:
            jobs.note_new_jobs([job])
            yield Platform(clock, job, ran)
    finally:
        every._items = before
        JobRun.objects.all().delete()
        JobState.objects.all().delete()


def texts(slots: list[datetime]) -> str:
    return ", ".join(f"{slot:%m-%d %H:%M}" for slot in slots)


# London, spring: 01:00 UTC on 29 March 2026 · autumn: 01:00 UTC on 25 October
CALENDAR = """
    daily in the gap | 30 1 * * * | 26-03-27T12:00 | 26-03-30T12:00 | 03-28 01:30, 03-29 01:00, 03-30 00:30
    daily, twice that hour | 30 1 * * * | 26-10-24T12:00 | 26-10-26T12:00 | 10-25 00:30, 10-26 01:30
    daily at nine, spring | 0 9 * * * | 26-03-28T00:00 | 26-03-30T12:00 | 03-28 09:00, 03-29 08:00, 03-30 08:00
    daily at nine, autumn | 0 9 * * * | 26-10-24T00:00 | 26-10-26T12:00 | 10-24 08:00, 10-25 09:00, 10-26 09:00
    hourly, spring | 0 * * * * | 26-03-28T23:30 | 26-03-29T03:30 | 03-29 00:00, 03-29 01:00, 03-29 02:00, 03-29 03:00
    hourly, autumn | 0 * * * * | 26-10-24T22:30 | 26-10-25T02:30 | 10-24 23:00, 10-25 00:00, 10-25 01:00, 10-25 02:00
    Friday after spring | 0 14 * * 5 | 26-03-26T00:00 | 26-04-04T00:00 | 03-27 14:00, 04-03 13:00
    Friday after autumn | 0 14 * * 5 | 26-10-22T00:00 | 26-10-31T00:00 | 10-23 13:00, 10-30 14:00
    the leap day | 0 0 29 2 * | 28-02-27T00:00 | 28-03-02T00:00 | 02-29 00:00
    ends of months | 59 23 31 * * | 26-01-30T00:00 | 26-04-02T00:00 | 01-31 23:59, 03-31 22:59
    the turn of the year | 0 0 1 1 * | 26-12-30T00:00 | 27-01-03T00:00 | 01-01 00:00
    a quarter's first day | 5 0 1 1,4,7,10 * | 26-12-30T00:00 | 27-04-02T00:00 | 01-01 00:05, 03-31 23:05
"""


@pytest.mark.parametrize("line", CALENDAR.strip().splitlines())
@pytest.mark.parametrize("beat", [True, False], ids=["beat", "sweeper alone"])
@pytest.mark.parametrize("policy", ["latest", "skip"])
def test_the_calendar(line: str, beat: bool, policy: str) -> None:
    _name, crontab, began, until, expected = (part.strip() for part in line.split("|"))
    with platform(at(f"20{began}"), crontab, LONDON, policy) as run:
        run.live(at(f"20{until}"), beat=beat)
        assert texts(run.ran) == expected
        assert set(run.rows().values()) == {"succeeded"}, "nothing was taken for missed"


@pytest.mark.parametrize(("began", "change"), [("2026-03-29T00:31", "spring"), ("2026-10-25T00:01", "autumn")])
def test_every_five_minutes_through_a_change_of_clocks(began: str, change: str) -> None:
    with platform(at(began), "*/5 * * * *", LONDON) as run:
        run.live(at(began) + HOUR)
        assert len(run.ran) == 12
        assert {later - earlier for earlier, later in zip(run.ran, run.ran[1:], strict=False)} == {5 * MINUTE}


@pytest.mark.parametrize(
    ("policy", "ran"),
    [
        ("latest", "10-24 08:00, 10-25 09:00"),
        ("all", "10-23 08:00, 10-24 08:00, 10-25 09:00"),
        ("skip", ""),
    ],
)
def test_down_across_a_change_of_clocks(policy: str, ran: str) -> None:
    with platform(at("2026-10-22T12:00"), "0 9 * * *", LONDON, policy) as run:
        run.down(at("2026-10-24T08:00:30"))
        jobs.run_due_slot("timed")  # what beat had sent before the worker died is heard now
        run.down(at("2026-10-25T11:00"))
        jobs.sweep()
        jobs.run_due_slot("timed")
        if policy == "skip":
            assert texts(run.ran) == "10-24 08:00", "half a minute is not missed"
        else:
            assert texts(run.ran) == ran
        assert len(run.rows()) == 3, "the others are on the record"


def test_a_message_that_waited_long_skips_no_slot_of_a_job_that_wants_all() -> None:
    with platform(at("2026-05-01T12:30"), "0 * * * *", policy="all") as run:
        run.down(at("2026-05-01T15:20"))
        for _message in range(3):  # of 13:00, 14:00 and 15:00, sent while no worker ran
            jobs.run_due_slot("timed")
        assert texts(run.ran) == "05-01 13:00, 05-01 14:00, 05-01 15:00"


def test_a_month_of_downtime_is_no_reason_to_forget_the_first_of_it() -> None:
    with platform(at("2026-03-20T00:00"), "0 6 1 * *") as run:
        run.down(at("2026-04-25T00:00"))
        jobs.sweep()
        assert texts(run.ran) == "04-01 06:00"


# Clocks that are wrong -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("policy", ["latest", "skip", "all"])
def test_a_clock_put_back_repeats_nothing_and_one_put_right_goes_on(policy: str) -> None:
    with platform(at("2026-05-01T12:01"), "*/5 * * * *", policy=policy) as run:
        run.live(at("2026-05-01T14:01"))
        run.step(-HOUR)
        run.live(run.now + 20 * MINUTE)
        run.step(HOUR)
        run.live(run.now + 10 * MINUTE)
        counts = Counter(run.ran)
        assert set(counts.values()) == {1}
        assert sorted(counts)[-1] == at("2026-05-01T14:30")
        if policy == "all":
            assert len(counts) == 30


@pytest.mark.parametrize(("policy", "at_least"), [("latest", 36), ("skip", 36), ("all", 36)])
def test_slots_skipped_by_a_clock_that_ran_ahead_are_run_when_their_time_comes(policy: str, at_least: int) -> None:
    with platform(at("2026-05-01T12:01"), "*/5 * * * *", policy=policy) as run:
        run.live(at("2026-05-01T13:01"))
        run.step(HOUR)  # it is 14:01 now, which is wrong
        run.live(run.now + 2 * MINUTE)
        run.step(-HOUR)
        run.live(at("2026-05-01T15:01"))
        counts = Counter(run.ran)
        assert set(counts.values()) == {1}, "none twice"
        assert len(counts) == at_least, "and none left out"


def test_a_living_worker_keeps_its_slot_when_the_clock_is_put_forward() -> None:
    with platform(at("2026-05-01T12:01"), "0 13 * * *") as run:
        run.down(at("2026-05-01T13:00:01"))
        row = JobRun.objects.create(
            job="timed", slot=at("2026-05-01T13:00"), started_at=run.now, lease_until=run.now + jobs.LEASE
        )
        run.clock.shift(HOUR)
        assert jobs.sweep() == 0
        assert jobs._renew(row, jobs.job_logs.RunLog()), "its heartbeat comes within twenty seconds"
        run.clock.shift(jobs.LAST_CHANCE)
        assert jobs.sweep() == 0
        assert run.ran == []


# Anything ------------------------------------------------------------------------------------------------------------
crontabs = st.sampled_from(
    ["*/5 * * * *", "0 * * * *", "15,45 * * * *", "30 1 * * *", "0 */2 * * *", "0 9 * * *", "30 0-3 * * *"]
)
places = st.sampled_from(["2026-03-28T22:10", "2026-10-24T21:40", "2026-12-31T20:00", "2028-02-28T20:00"])
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("live"), st.integers(3, 240)),
        st.tuples(st.just("no beat"), st.integers(3, 120)),
        st.tuples(st.just("down"), st.integers(1, 300)),
        st.tuples(st.just("message"), st.integers(1, 3)),
        st.tuples(st.just("step"), st.sampled_from([-60, 60, -7, 7])),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(crontabs, places, st.sampled_from(["latest", "skip", "all"]), happenings)
@example(
    "*/5 * * * *", "2026-10-24T21:40", "all", [("live", 30), ("step", 60), ("live", 5), ("step", -60), ("live", 90)]
)
@example("30 1 * * *", "2026-03-28T22:10", "skip", [("no beat", 120), ("live", 240)])
@example("*/5 * * * *", "2026-03-28T22:10", "latest", [("no beat", 15), ("down", 8), ("live", 10)])
@example("*/5 * * * *", "2026-03-28T22:10", "skip", [("no beat", 16), ("down", 8), ("live", 10)])
@example("*/5 * * * *", "2026-03-28T22:10", "latest", [("down", 75)])
def test_no_slot_twice_and_none_left_out_against_its_policy(
    crontab: str, began: str, policy: str, happenings: list[tuple[str, int]]
) -> None:
    with platform(at(began), crontab, LONDON, policy) as run:
        stepped, missed = False, list[datetime]()
        for what, number in happenings:
            moment = run.now
            if what == "step":
                stepped = True
                run.step(number * MINUTE)
            elif what == "message":
                for _message in range(number):
                    jobs.run_due_slot("timed")
            elif what == "down":
                begun = run.rows()
                run.down(moment + number * MINUTE)
                waited = max(at(began), moment - jobs.BEATS_TURN - MINUTE)  # what was left to the sweeper
                owed = cron.slots_between(crontab, LONDON, waited, run.now - jobs.BEATS_TURN)  # what is younger is due
                lost = [slot for slot in owed if slot not in begun]
                made_up_for = lost and (policy == "latest" or run.now - lost[-1] <= jobs.STILL_DUE)
                missed += lost[:-1] if made_up_for else lost
                jobs.sweep()
                jobs.run_due_slot("timed")
            else:
                run.live(moment + number * MINUTE, beat=what == "live")
        jobs.run_due_slot("timed")
        counts, rows = Counter(run.ran), run.rows()
        assert all(count == 1 for count in counts.values()), "none twice"
        owed = cron.slots_between(crontab, LONDON, at(began), run.now)
        assert set(owed) <= set(rows), "each slot is on the record"
        left = {slot for slot in owed if rows[slot] == "skipped"}
        if policy == "all":
            assert not left
        elif not stepped:
            assert left == set(missed), (crontab, began, policy, happenings)
