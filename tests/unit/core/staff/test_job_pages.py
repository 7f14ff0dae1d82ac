"""What staff see of jobs: words for schedules, how they are, their last runs; and what becomes of their edits."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from apps.core import cron, jobs
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun, JobState
from apps.core.registry import contributed, registry
from tests.common.roles import client_of
from tests.common.staff import staff_with

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LIST = "admin:django_celery_beat_periodictask_changelist"


@pytest.fixture
def staff() -> Any:
    return client_of(staff_with("", is_superuser=True))


@pytest.fixture
def job(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    made = ScheduledJob("tried", "Tried job", lambda slot: "", "0 * * * *", catch_up="all")
    with contributed(made):
        jobs.sync_schedules()
        yield made


def ran(slot: datetime, state: str = "succeeded", seconds: float = 1, job: str = "tried") -> JobRun:
    ended = slot + timedelta(seconds=seconds)
    return JobRun.objects.create(job=job, slot=slot, state=state, started_at=slot, finished_at=ended, outcome="why")


def page_of(staff: Any, name: str = "job:tried") -> str:
    row = PeriodicTask.objects.get(name=name)
    answer = staff.get(reverse("admin:django_celery_beat_periodictask_change", args=[row.pk]))
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("0 14 * * 5", "At 14:00, only on Friday"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 0 29 2 *", "At 00:00, on day 29 of the month, only in February"),
        ("not a schedule", "not a schedule"),
    ],
)
def test_schedules_in_words(expression: str, words: str) -> None:
    assert cron.in_words(expression) == words


def test_the_list_shows_state_next_run_and_the_last_runs(staff: Any, job: ScheduledJob) -> None:
    with time_machine.travel(NOON + timedelta(minutes=5), tick=False):
        JobState.objects.update(owed_since=NOON - timedelta(days=2))
        for hours in range(20):
            ran(NOON - timedelta(hours=hours), "failed" if hours == 1 else "succeeded")
        page = staff.get(reverse(LIST), {"kind": "job"}).content.decode()
    dots = re.findall(r'class="staff-dot (\w+)" href="[^"]+" title="([^"]+)"', page)
    assert [tone for tone, _said in dots] == ["ok"] * 10 + ["bad", "ok"], "twelve, the newest at the right"
    assert dots[-1][1] == "Succeeded, slot of 1 May 2026, 12:00 UTC, 1.0 s"
    assert ">on time<" in page
    assert "At 0 minutes past the hour" in page or "Every hour" in page
    assert f'datetime="{NOON + timedelta(hours=1):%Y-%m-%dT%H:%M}' in page, "the next run"


@pytest.mark.parametrize(
    ("state", "shown"), [("late", "late"), ("failed", "failing"), (None, "never ran"), ("paused", "paused")]
)
def test_trouble_is_a_badge_and_a_sentence(state: str | None, shown: str, staff: Any, job: ScheduledJob) -> None:
    with time_machine.travel(NOON + timedelta(minutes=20), tick=False):
        JobState.objects.update(owed_since=NOON - timedelta(minutes=90))
        if state == "late":
            ran(NOON - timedelta(hours=1))
        if state == "failed":
            ran(NOON, "failed")
        PeriodicTask.objects.filter(name="job:tried").update(enabled=state != "paused")
        page = page_of(staff)
    assert f">{shown}<" in page
    assert ("has not begun" in page) == (state in ("late", None))


def test_a_run_by_hand_that_failed_is_told_without_an_alarm(staff: Any, job: ScheduledJob) -> None:
    with time_machine.travel(NOON, tick=False):
        failed = ran(NOON, "failed")
        JobRun.objects.filter(pk=failed.pk).update(by_hand=True)
        page = page_of(staff)
    assert "Its last run failed: why" in page
    assert "on time" in page


def test_the_page_draws_how_long_runs_took(staff: Any, job: ScheduledJob) -> None:
    assert "Duration of the last runs" not in page_of(staff)
    for hours, seconds in ((1, 0.2), (2, 0.4), (3, 0.3)):
        ran(NOON - timedelta(hours=hours), seconds=seconds)
    assert "in milliseconds" in page_of(staff)
    ran(NOON, seconds=90)
    page = page_of(staff)
    assert "Duration of the last runs, in seconds" in page
    assert "each is made up for" in page


def test_the_number_of_jobs_and_runs_costs_no_queries(staff: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    monkeypatch.setattr(registry(ScheduledJob), "_items", {})
    for number in (2, 30):
        every = [ScheduledJob(f"j{n}", "J", lambda slot: "", "0 * * * *") for n in range(number)]
        with contributed(*every):
            jobs.sync_schedules()
            for one in every:
                ran(NOON + number * timedelta(hours=1), job=one.name)
            staff.get(reverse(LIST), {"kind": "job"})
            with CaptureQueriesContext(
                connection,
            ) as queries:
                staff.get(reverse(LIST), {"kind": "job"})
            counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_schedule_chosen_in_the_page_counts_from_now_and_survives_a_deploy(staff: Any, job: ScheduledJob) -> None:
    row = PeriodicTask.objects.get(name="job:tried")
    chosen = CrontabSchedule.objects.create(minute="15", hour="6", timezone="Europe/London")
    JobState.objects.update(owed_since=NOON - timedelta(days=2))
    page = reverse("admin:django_celery_beat_periodictask_change", args=[row.pk])
    assert staff.post(page, {"crontab": chosen.pk}).status_code == 302
    assert jobs.effective_schedule(job).expression == "15 6 * * *"
    assert JobState.objects.get().owed_since > NOON
    with contributed_anew("30 2 * * *") as changed:
        jobs.sync_schedules()
        assert jobs.effective_schedule(changed) == jobs.effective_schedule(job)
        shown = page_of(staff)
        assert "changed by staff" in shown
        assert "30 2 * * *" in shown
    never = CrontabSchedule.objects.create(minute="0", hour="0", day_of_month="30", month_of_year="2")
    assert "never fires" in staff.post(page, {"crontab": never.pk}).content.decode()
    assert staff.post(page, {"crontab": ""}).status_code == 200, "a job needs one"
    assert jobs.effective_schedule(job).expression == "15 6 * * *"


def contributed_anew(crontab: str) -> Any:
    """A new version of the code, whose declaration is another."""
    from contextlib import contextmanager

    @contextmanager
    def version() -> Any:
        items = registry(ScheduledJob)._items
        before = items.pop("tried")
        changed = ScheduledJob("tried", "Tried job", lambda slot: "", crontab)
        try:
            with contributed(changed):
                yield changed
        finally:
            items["tried"] = before

    return version()


def test_what_a_run_logged_is_on_its_page_and_not_read_for_the_list(staff: Any, job: ScheduledJob) -> None:
    run = ran(NOON)
    JobRun.objects.update(log="06:00:00Z [info] <b>half</b>_done rows=3")
    page = staff.get(reverse("admin:core_jobrun_change", args=[run.pk])).content.decode()
    assert "&lt;b&gt;half&lt;/b&gt;_done rows=3" in page
    with CaptureQueriesContext(connection) as queries:
        staff.get(reverse("admin:core_jobrun_changelist"), {"period": "any"})
    assert not any('"core_jobrun"."log"' in query["sql"] for query in queries)
