"""The weekly pulse: each metric once, again the same, what fails told and the rest kept."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import Organization, User
from apps.core import jobs
from apps.core.kinds import PulseMetric, ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed, registry
from apps.integrations.models import MailMessage
from apps.monitoring.models import PulseReport, PulseValue
from apps.monitoring.selectors import pulse as reads
from apps.monitoring.services import pulse
from apps.monitoring.spans import PULSE_WEEK, ended
from apps.notifications.selectors import choices_of
from tests.common.monitored import pulse_week

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2026, 11, 27, 14, 0, 5, tzinfo=UTC)
SPAN = ended(PULSE_WEEK, FRIDAY)


@pytest.fixture(autouse=True)
def _on_friday() -> Iterator[None]:
    with time_machine.travel(FRIDAY, tick=False):
        yield


def metric(name: str, value: Any, **fields: Any) -> PulseMetric:
    def compute(start: datetime, end: datetime) -> Any:
        if isinstance(value, Exception):
            raise value
        return value((start, end)) if callable(value) else value

    return PulseMetric(name, f"The {name}", fields.pop("unit", "count"), compute, "Tests", **fields)


def test_every_metric_of_the_installed_apps_is_kept(organization: Organization) -> None:
    report, failed = pulse.collect(SPAN)
    assert not failed
    kept = set(report.values.values_list("metric", flat=True))
    assert {
        "revenue", "mrr", "payments", "payments_failed", "active_subscriptions", "api_revenue", "overage_calls",
        "overage_revenue", "runs", "runs_failed", "api_calls", "active_developers", "sign_ups", "new_organizations",
        "subscriptions_api_pro", "mrr_base",
    } <= kept  # fmt: skip
    assert not kept & {"subscriptions_white_label_basic", "mrr_insights", "success_rate"}  # not sold; no run ended


def test_labels_are_told_apart() -> None:
    labels = [str(one.label) for one in registry(PulseMetric).all()]
    assert len(set(labels)) == len(labels)  # each is a column at Notion


def test_again_in_the_same_week_makes_the_same_rows(organization: Organization) -> None:
    with time_machine.travel(FRIDAY, tick=False):
        first = pulse.weekly_pulse(FRIDAY)
    rows = list(PulseValue.objects.values_list("metric", "value").order_by("metric"))
    with time_machine.travel(datetime(2026, 12, 2, tzinfo=UTC), tick=False):
        assert pulse.weekly_pulse(datetime(2026, 12, 2, tzinfo=UTC)) == first
    assert list(PulseValue.objects.values_list("metric", "value").order_by("metric")) == rows
    assert PulseReport.objects.count() == 1


def test_what_came_late_counts_but_what_there_was_stays_as_it_was_seen() -> None:
    seen = {"flow": 1, "stock": 1}
    with (
        contributed(metric("flow", lambda _span: seen["flow"])),
        contributed(metric("stock", lambda _span: seen["stock"], measures="stock")),
    ):
        pulse.collect(SPAN)
        seen.update(flow=2, stock=2)
        report, _failed = pulse.collect(SPAN)
    values = dict(report.values.values_list("metric", "value"))
    assert (values["flow"], values["stock"]) == (2, 1)


def test_the_metric_is_asked_for_exactly_the_week() -> None:
    asked: list[Any] = []
    with contributed(metric("asked", lambda span: asked.append(span) or 1)):
        pulse.collect(SPAN)
    assert asked == [(datetime(2026, 11, 20, 14, tzinfo=UTC), datetime(2026, 11, 27, 14, tzinfo=UTC))]


def test_one_that_fails_hides_no_other_and_is_told_without_its_secret(superuser: User) -> None:
    broken = metric("broken", ValueError("password=hunter2-hunter2 at sk_live_abcdefgh12345678"))
    with (
        contributed(broken),
        contributed(metric("whole", 3, order=0)),
        pytest.raises(pulse.PulseIncompleteError) as raised,
    ):
        pulse.weekly_pulse(FRIDAY)
    assert "broken: ValueError" in str(raised.value)
    assert "hunter2" not in str(raised.value)
    assert "sk_live" not in str(raised.value)
    assert PulseValue.objects.filter(metric="whole", value=3).exists()
    mail = MailMessage.objects.get()
    assert "Could not be counted: The broken." in mail.text
    assert "The whole: 3" in mail.text
    assert "hunter2" not in mail.text + mail.html


def test_while_one_keeps_failing_the_mail_goes_once_with_what_there_is(superuser: User) -> None:
    """A blip costs nobody a figure: the second try mails. What comes later is on the page, and mails no more."""
    state: dict[str, Any] = {"value": ValueError("broken")}

    def value(_span: Any) -> Any:
        if isinstance(state["value"], Exception):
            raise state["value"]
        return state["value"]

    job = registry(ScheduledJob).get("weekly_pulse")
    with contributed(metric("late", value, order=0)):
        assert attempt(job, 1).state == "failed"
        assert not MailMessage.objects.exists()
        assert attempt(job, 2).state == "failed"
        text = MailMessage.objects.get().text
        assert "Could not be counted: The late." in text
        state["value"] = 7
        assert attempt(job, 3).state == "succeeded"
    assert MailMessage.objects.get().text == text
    assert PulseValue.objects.get(metric="late").value == 7


def test_a_blip_costs_the_mail_no_figure(superuser: User) -> None:
    tries = iter([ValueError("broken"), 7])
    job = registry(ScheduledJob).get("weekly_pulse")

    def value(_span: Any) -> Any:
        found = next(tries)
        if isinstance(found, Exception):
            raise found
        return found

    with contributed(metric("late", value, order=0)):
        attempt(job, 1)
        attempt(job, 2)
    text = MailMessage.objects.get().text
    assert "The late: 7" in text
    assert "Could not be counted" not in text


def attempt(job: ScheduledJob, number: int) -> JobRun:
    """The slot's first try, or the sweeper's next one."""
    if number == 1:
        jobs.run_slot(job, SPAN.end)
    else:
        JobRun.objects.update(due_at=FRIDAY)
        jobs._run_again({job.name: job}, {job.name})
    run = JobRun.objects.get(job=job.name)
    assert run.attempt == number
    return run


@pytest.mark.parametrize(("value", "kept"), [(None, None), (0, 0), (Decimal("12.34567"), Decimal("12.3457"))])
def test_nothing_to_count_is_no_nought(value: Any, kept: Any) -> None:
    with contributed(metric("tried", value)):
        report, _failed = pulse.collect(SPAN)
    assert report.values.filter(metric="tried").values_list("value", flat=True).first() == kept


def test_the_mail_goes_once_to_each_whom_the_setting_names(superuser: User, settings: Any) -> None:
    settings.REPORT_RECIPIENTS = ["Boss@example.com", "books@example.com", superuser.email.upper()]
    pulse.weekly_pulse(FRIDAY)
    pulse.weekly_pulse(FRIDAY)
    mails = MailMessage.objects.order_by("pk")
    assert [mail.recipients for mail in mails] == [[superuser.email], ["boss@example.com"], ["books@example.com"]]
    assert {mail.subject for mail in mails} == {"Weekly pulse 2026-W48, 20 Nov – 27 Nov 2026"}
    assert all("Sign-ups: 0" in mail.text for mail in mails)
    ways = [mail.headers["List-Unsubscribe"] for mail in mails]
    assert ways[1:] == [f"<mailto:{settings.SUPPORT_EMAIL}?subject=unsubscribe>"] * 2


def test_without_the_setting_superusers_are_told_until_they_leave(superuser: User, owner: User, client: Client) -> None:
    pulse.weekly_pulse(FRIDAY)
    mail = MailMessage.objects.get()
    assert mail.recipients == [superuser.email]
    assert "on the staff of" in mail.text
    client.post(urlsplit(mail.headers["List-Unsubscribe"].strip("<>")).path, {"List-Unsubscribe": "One-Click"})
    pulse.weekly_pulse(FRIDAY + timedelta(days=7))
    assert MailMessage.objects.count() == 1


def test_reports_are_the_choice_of_staff_alone(superuser: User, owner: User) -> None:
    assert "staff_reports" in {choice.kind.code for choice in choices_of(superuser)}
    assert "staff_reports" not in {choice.kind.code for choice in choices_of(owner)}


def test_nobody_to_tell_is_no_mistake(owner: User) -> None:
    told = pulse.weekly_pulse(FRIDAY)
    assert told.startswith("2026-W48 (20 Nov – 27 Nov 2026): ")
    assert told.endswith("no week before to compare with")
    assert not MailMessage.objects.exists()


def test_beside_the_week_before() -> None:
    pulse_week({"up": 10, "down": 10, "same": 5, "from_nothing": 0}, SPAN.start)
    with ExitStack() as stack:
        for name, better in (("up", "up"), ("down", "down"), ("same", "up"), ("from_nothing", "up"), ("new", "up")):
            stack.enter_context(
                contributed(metric(name, {"up": 15, "down": 15, "same": 5}.get(name, 7), better=better))
            )
        report, _failed = pulse.collect(SPAN)
        found = {one.metric: one for one in reads.standings(report)}
    assert [(found[name].change_text, found[name].tone) for name in ("up", "down", "same", "from_nothing", "new")] == [
        ("+5 (+50.0 %)", "ok"),
        ("+5 (+50.0 %)", "bad"),
        ("±0", ""),
        ("+7", "ok"),
        ("—", ""),
    ]


@pytest.fixture
def superuser(staff: User) -> User:
    return staff
