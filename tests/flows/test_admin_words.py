"""What staff pages say to somebody who sees them for the first time: units, empty lists, one word for one thing."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from apps.accounts.models import User
from apps.core import heartbeat
from apps.core.clock import now
from apps.core.job_schedules import sync_schedules
from apps.core.staff import contributions
from apps.core.staff.display import row_url
from apps.monitoring.business import staff as business
from apps.monitoring.models import (
    CostForecast,
    GaugeSample,
    GrowthDay,
    HealthResult,
    HealthRun,
    KeyValueHour,
    Report,
    RequestMinute,
    SloSample,
    StatusSubscriber,
)
from apps.monitoring.services.health import health_monitor
from apps.monitoring.services.outages import record
from apps.monitoring.services.slo import ensure_objectives
from apps.monitoring.services.verifying import verify
from apps.notifications.models import Alert, AlertChannel, AlertDelivery
from tests.common.costs import cost_days
from tests.common.monitored import pulse_week
from tests.common.roles import client_of
from tests.common.staff import list_address, staff_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(staff: User) -> Client:
    return client_of(staff)


def test_a_look_at_an_objective_has_units_and_says_why_it_says_nothing(client: Client) -> None:
    ensure_objectives()
    for code, rates in (("api-latency", {}), ("pages-latency", {"burn_1h": 2.5, "burn_6h": 2.5, "burn_3d": 2.5})):
        SloSample.objects.create(objective_id=code, at=now(), total=124, bad=6, p95_ms=1478, **rates)
    answer = client.get(list_address(SloSample))
    text, columns = answer.content.decode(), list(answer.context["cl"].list_display)
    for words in ("1,478 ms", "6 of 124", "too few requests", "2.5 · 2.5 · 2.5"):
        assert words in text, words
    assert columns.index("shown_severity") < columns.index(
        "bad_of_all"
    )  # what matters most is not the one that is cut off


@pytest.mark.parametrize(
    ("model", "words", "job"),
    [
        (CostForecast, "once four weeks of costs were collected", "cost_prediction"),
        (KeyValueHour, "REDIS_URL", "kv_costs"),
        (Report, "on Fridays at 14:30", "expansion_monitor"),
        (StatusSubscriber, "on the status page", ""),
        (HealthRun, "every six hours", "health_monitor"),
    ],
)
def test_an_empty_list_says_when_rows_come(client: Client, model: type[Model], words: str, job: str) -> None:
    """It never offers to add what nobody can add, nor to reset filters that are not set."""
    sync_schedules()
    text = client.get(list_address(model)).content.decode()
    assert words in text
    for useless in ("yielded", "Reset filters", "Create a new item"):
        assert useless not in text, useless
    if job:
        row = PeriodicTask.objects.get(name=f"job:{job}")
        assert reverse("admin:django_celery_beat_periodictask_do", args=["run-now"]) + f"?id={row.pk}" in text
    assert "Nothing fits" in client.get(list_address(model), {"q": "nowhere"}).content.decode()


@pytest.mark.parametrize(
    ("page", "job"),
    [
        ("monitoring_pulse", "weekly_pulse"),
        ("monitoring_costs", "cost_collector"),
        ("monitoring_health", "health_monitor"),
        ("monitoring_growth", "growth_retention"),
    ],
)
def test_an_empty_page_leads_to_its_job(client: Client, page: str, job: str) -> None:
    sync_schedules()
    row = PeriodicTask.objects.get(name=f"job:{job}")
    asks = reverse("admin:django_celery_beat_periodictask_do", args=["run-now"]) + f"?id={row.pk}"
    text = client.get(reverse(f"admin:{page}")).content.decode()
    assert asks in text
    assert "Run now: " in client.get(f"{asks}&back=/admin/").content.decode()
    support = client_of(staff_with("support")).get(reverse(f"admin:{page}")).content.decode()
    assert asks not in support  # may not run it
    assert "Made by the job" in support


def test_scheduled_jobs_are_called_so_everywhere(client: Client) -> None:
    sync_schedules()
    row = PeriodicTask.objects.get(name="job:weekly_pulse")
    asks = reverse("admin:django_celery_beat_periodictask_do", args=["run-now"]) + f"?id={row.pk}"
    for address in (list_address(PeriodicTask), row_url(row), asks):
        text = client.get(address).content.decode()
        assert "cheduled job" in text
        assert "eriodic task" not in text.replace("periodictask", ""), address


def test_the_worker_is_dead_once_the_watchdog_calls_it_so(client: Client, settings: Any) -> None:
    """Its clock is 12 seconds behind: compared by the watchdog's interval it would be dead every few seconds."""
    alarm = {"code": "worker_down", "seen": "", "began_at": f"{now():%Y-%m-%dT%H:%M:%S+00:00}", "over_at": ""}
    heartbeat.sign("worker", "w1")
    heartbeat.record()  # the last task was done just now, too

    def tone() -> str:
        return contributions.machinery()[0].tone

    with time_machine.travel(now() + timedelta(seconds=12 + settings.WATCHDOG_SECONDS / 3), tick=False) as clock:
        heartbeat.sign("watchdog")
        assert tone() == "ok"
        record([alarm])
        assert tone() == "bad", "a green figure beside that alarm"
        heartbeat.leave("worker", "w1")
        heartbeat.record()
        assert tone() == "bad", "the last one left, and what it did is still fresh"
        heartbeat.sign("worker", "w1")
        record([alarm | {"over_at": alarm["began_at"]}])
        assert tone() == "ok"
        record([alarm | {"began_at": f"{now():%Y-%m-%dT%H:%M:%S+00:00}"}])
        clock.shift(heartbeat.STALE_AFTER)
        heartbeat.sign("worker", "w1")
        assert tone() == "ok", "who does not watch any more says nothing"
        clock.shift(heartbeat.STALE_AFTER)
        assert tone() == "bad"


def test_figures_of_a_week_say_which(client: Client) -> None:
    """The first page counts to this moment: without its dates the same figure seems to be wrong."""
    pulse_week({"runs": 5}, datetime(2026, 11, 27, 14, tzinfo=UTC))
    notes = [str(figure.note) for figure in business._week()]
    assert notes == ["week until 27 Nov"]


def test_one_word_for_alarms_gauges_and_requests(client: Client) -> None:
    """As the menu calls them, so do lists and figures. ("quota alerts" tell customers: another thing.)"""
    for model, words in (
        (Alert, "Alarms"),
        (AlertDelivery, "Alarm deliveries"),
        (AlertChannel, "Alarm channels"),
        (GaugeSample, "Gauges"),
        (RequestMinute, "Requests by minute"),
    ):
        answer = client.get(list_address(model))
        assert answer.context["title"] == words
        shown = re.sub(r"<[^>]*>", " ", answer.content.decode()).replace("Quota alerts", "")
        assert not re.search(r"\b[Aa]lert (channel|deliver|template)|\b[Aa]lerts\b|gauge samples|Minutes of", shown)
    assert "Open alarms" in client.get("/admin/").content.decode()


def test_notion_is_skipped_by_all_who_look_or_by_none() -> None:
    health_monitor(now())
    verify(now())
    states = HealthResult.objects.filter(check_name="notion").values_list("state", flat=True)
    assert list(states) == ["off", "off"]


def test_charts_of_zeros_are_not_drawn(client: Client) -> None:
    """An axis from 0 to 1 with nothing on it looks broken."""
    GrowthDay.objects.create(
        day=now().date(), sign_ups=0, new_organizations=0, active_day=0, active_week=0, active_month=1
    )
    pulse_week({"runs": 0}, now())
    cost_days(now().date() - timedelta(days=1), 0)
    for address, drawn in (("monitoring_growth", 1), ("monitoring_pulse", 0), ("monitoring_costs", 0)):
        text = client.get(reverse(f"admin:{address}")).content.decode()
        assert text.count("<figure") == drawn, address
        assert "Nothing to show yet" in text
    assert "Nothing was earned or spent yet" in client.get("/admin/operations/").content.decode()
