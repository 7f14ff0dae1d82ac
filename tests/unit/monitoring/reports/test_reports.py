"""What each report says of a platform of hand-made rows; written again it replaces itself and mails nobody twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection

from apps.accounts.models import Organization, User
from apps.audit.services import Who, record
from apps.core.kinds import Concern, PulseMetric
from apps.core.models import JobRun
from apps.core.registry import contributed, registry
from apps.integrations.models import MailMessage
from apps.monitoring.models import Report
from apps.monitoring.reports import governance, parts
from apps.monitoring.selectors import costs
from apps.monitoring.services import pulse, reports
from apps.monitoring.spans import PULSE_WEEK, ended
from apps.notifications.services import alerts
from tests.common.monitored import cost_day, pulse_week
from tests.common.usage import call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reports_folder")]
FRIDAY = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
PLANTED = "sk_live_" + "planted0planted0"


@pytest.fixture(autouse=True)
def _on_friday(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PDFs take their time, and have tests of their own."""
    monkeypatch.setitem(reports.WRITERS, "pdf", lambda document: b"%PDF")
    with time_machine.travel(FRIDAY, tick=False):
        yield


def text_of(report: Report) -> str:
    return reports.file_of(report, "md").decode()


def test_the_weekly_report(
    organization: Organization, staff: User, reports_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 8):
        cost_day(date(2026, 11, 27) - timedelta(days=number), bills=100, told=10, revenue=1_100, tax=100, fees=59)
    cost_day(date(2026, 11, 19), bills=100, revenue=500)
    cost_day(date(2026, 11, 27), told=9_999)  # today is of the next report
    pulse_week({"runs": 3}, ended(PULSE_WEEK, FRIDAY).start)
    call(organization, 12, at=FRIDAY - timedelta(hours=3))
    up = PulseMetric("uptime", "Uptime", "percent", lambda _s, _e: 99, "Platform", "stock")
    monkeypatch.setitem(registry(PulseMetric)._items, "uptime", up)
    with contributed(Concern("tried", "Tried things", lambda: 3, lambda: "/admin/tried/", order=1)):
        outcome = reports.expansion_monitor(FRIDAY)
    assert outcome.startswith(
        "Weekly report 2026-W48, 20 Nov – 27 Nov 2026: Earned $70.00 without taxes, costs $11.83, net margin $58.17."
    )
    assert str(reports_folder) in outcome.partition("Files: ")[2]  # "weekly/…" alone would not say where
    text = text_of(Report.objects.get())
    assert "- Uptime: **99.00 %**" in text
    assert "- Earned: **$70.00** (+$65.00 (+1,300.0 %))" in text
    assert "- Net margin: **$58.17** (83.1 %)" in text
    assert "| Hosting | $7.00 | $1.00 | +$6.00 (+600.0 %) |" in text
    assert "| All costs | $11.83 |" in text
    assert "| Taxes that came in, not among the costs | $7.00 | $0.00 | +$7.00 |" in text
    assert "| API | API calls | 12 | — | — |" in text
    assert "- **to do**: Tried things: 3" in text
    assert "- none: Open alarms" in text
    assert sorted(path.name for path in reports_folder.rglob("*.*")) == ["2026-11-27.md", "2026-11-27.pdf"]
    assert MailMessage.objects.get().subject == "Weekly report 2026-W48, 20 Nov – 27 Nov 2026"


def test_what_has_nothing_to_show_is_named_and_not_drawn(organization: Organization) -> None:
    """The first week: each chart would be one bar, or none."""
    cost_day(date(2026, 11, 26), bills=6_000)
    reports.expansion_monitor(FRIDAY)
    report = Report.objects.get()
    kinds = {block["kind"] for section in report.document["sections"] for block in section["blocks"]}
    assert "bars" not in kinds
    text = text_of(report)
    assert (
        "Not drawn, as there is nothing to compare yet: Revenue: what costs took of it and what is left; Runs;" in text
    )
    assert "- Runs: **0** (not counted the week before)" in text
    assert "(nothing was earned)" in text
    assert "(—)" not in text


def test_costs_that_no_revenue_paid_for_lie_below() -> None:
    sums = dict.fromkeys(costs.SUMMED, 0)
    poor, rich = (costs.CostSum(7, {**sums, "hosting": 6_000, "revenue": revenue}) for revenue in (1_000, 9_000))
    bars = parts.money_bars("Money", [("a", "A", poor), ("b", "B", rich)], "Week")
    assert [values for _label, _whole, values in bars.points] == [
        {"paid": 10, "left": 0, "short": -50},
        {"paid": 60, "left": 30, "short": 0},
    ]


def test_weeks_of_which_nothing_was_collected_are_not_known() -> None:
    sums = dict.fromkeys(costs.SUMMED, 0)
    bars = parts.money_bars("Money", [("a", "A", costs.CostSum(0, sums)), ("b", "B", costs.CostSum(1, sums))], "Week")
    assert [set(values.values()) for _label, _whole, values in bars.points] == [{None}, {0}]


def test_a_figure_that_came_later_was_not_zero_before() -> None:
    weeks = [ended(PULSE_WEEK, FRIDAY - timedelta(weeks=number)).end for number in (3, 2, 1, 0)]
    for week, figures in zip(weeks, ({}, {"runs": 3}, {"runs": 0}, {"runs": 4, "mrr": 1_900}), strict=True):
        pulse_week({"sign_ups": 1, **figures}, week)
    drawn = {
        one.series[0][0]: [next(iter(values.values())) for *_l, values in one.points] for one in parts.metric_bars()
    }
    assert drawn == {"runs": [None, 3, 0, 4], "sign_ups": [1, 1, 1, 1], "mrr": [None, None, None, 19]}
    *_drawn, words = parts.worth_drawing(parts.metric_bars())
    assert "Monthly recurring revenue" in str(words), "one bar is a frame around nothing"


def test_days_that_were_not_collected_are_told(organization: Organization) -> None:
    cost_day(date(2026, 11, 26), told=10)
    reports.expansion_monitor(FRIDAY)
    assert "collected for 1 of the seven days until 26 November 2026" in text_of(Report.objects.get())


@pytest.mark.parametrize("job", ["expansion_monitor", "roi_review", "daily_ops_summary", "governance_report"])
def test_again_it_replaces_itself(job: str, staff: User, reports_folder: Path) -> None:
    run = getattr(reports, job)
    assert run(FRIDAY) == run(FRIDAY + timedelta(minutes=20))
    assert Report.objects.count() == 1
    assert MailMessage.objects.count() == 1
    assert len(list(reports_folder.rglob("*.md"))) == 1


def test_a_file_that_is_gone_is_written_from_what_is_kept(reports_folder: Path) -> None:
    reports.governance_report(FRIDAY)
    [path] = reports_folder.rglob("*.md")
    before = path.read_text()
    path.unlink()
    assert text_of(Report.objects.get()) == before


def test_nobody_else_on_the_machine_reads_files(reports_folder: Path) -> None:
    reports.governance_report(FRIDAY)
    written = [reports_folder, *reports_folder.rglob("*")]
    assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in written} == {(True, 0o700), (False, 0o600)}


def test_the_daily_summary(organization: Organization) -> None:
    at = datetime(2026, 11, 27, 8, tzinfo=UTC)
    call(organization, 40, at=at)
    call(organization, 1_000, at=datetime(2026, 11, 27, 9, tzinfo=UTC))  # tomorrow's
    cost_day(date(2026, 11, 26), told=250, revenue=1_190, tax=190)
    with time_machine.travel(at, tick=False):
        alerts.fire("verifier_failed", "tried", {"label": "Tried"})
        values = {"slot": at, "started_at": at, "finished_at": at}
        JobRun.objects.create(job="cost_collector", state="failed", outcome=f"ValueError: {PLANTED}", **values)
    with time_machine.travel(FRIDAY, tick=False):
        assert reports.daily_ops_summary(FRIDAY).startswith(
            "Daily summary 27 November 2026: 1 alarm opened, 1 job failed."
        )
    text = text_of(Report.objects.get())
    assert "- API calls: **40**" in text
    assert "26 November 2026 (UTC): costs $2.50, earned $10.00 without taxes, net margin $7.50." in text
    assert "| Verifier: Tried failed | Critical | open |" in text
    assert "ValueError: \\[removed\\]" in text
    assert PLANTED not in str(Report.objects.values().get())


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures whose room breaks, one of them in the database."""

    def breaks(_start: datetime, _end: datetime) -> int:
        raise ValueError(f"password={PLANTED}")

    def breaks_the_database(_start: datetime, _end: datetime) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        return 1

    known = registry(PulseMetric)._items
    for name, compute in (
        ("sign_ups", breaks_the_database),
        ("overage_revenue", breaks),
        ("uptime", breaks),
    ):
        monkeypatch.setitem(known, name, replace(known[name], compute=compute))


@pytest.mark.usefixtures("broken")
@pytest.mark.parametrize(
    ("job", "told"),
    [
        ("daily_ops_summary", ["- Sign-ups: **—** (could not be counted)", "- API calls: **40**"]),
        ("expansion_monitor", ["- Uptime: **—** (could not be counted)", "Could not be counted: ", "Sign-ups"]),
        (
            "roi_review",
            ["| Sign-ups | — | — | could not be counted |", "- Overage of API revenue: **—** (could not be counted)"],
        ),
    ],
)
def test_a_figure_that_breaks_spoils_no_report(job: str, told: list[str], organization: Organization) -> None:
    call(organization, 40, at=datetime(2026, 11, 27, 8, tzinfo=UTC))
    getattr(reports, job)(FRIDAY)
    text = text_of(Report.objects.get())
    assert [words for words in told if words not in text] == []
    assert PLANTED not in text


def test_a_concern_that_breaks_spoils_no_report(organization: Organization) -> None:
    with contributed(Concern("broken", "Broken things", lambda: 1 // 0, lambda: "/admin/")):
        reports.daily_ops_summary(FRIDAY)
    text = text_of(Report.objects.get())
    assert "- **to do**: Broken things: could not be counted" in text
    assert "- none: Open alarms" in text


def test_the_governance_report(organization: Organization, owner: User) -> None:
    sunday = datetime(2026, 11, 22, 9, tzinfo=UTC)
    made = [
        (sunday - timedelta(days=7), "accounts.logged_in"),
        (sunday - timedelta(days=7, seconds=1), "accounts.logged_in"),  # the week before
        (sunday - timedelta(days=1), "accounts.api_key_created"),
        (sunday - timedelta(days=1), "accounts.member_role_changed"),
        (sunday, "accounts.logged_in"),  # the next week
    ]
    for at, code in made:
        with time_machine.travel(at, tick=False):
            record(code, actor=Who("staff", "usr_1", "secret.person@example.com"), organization_id=organization.pk)
    values = {"job": "verify_audit", "started_at": sunday, "state": "succeeded"}
    JobRun.objects.create(slot=sunday - timedelta(hours=6), **values)
    outcome = reports.governance_report(FRIDAY)
    assert outcome.startswith(
        "Governance report 22 November 2026: 3 entries in the audit log; its chains of hashes: unbroken."
    )
    text = text_of(Report.objects.get())
    assert "- Entries: **3** (1 the week before)" in text
    assert "- By staff: **3** (1 person)" in text
    assert (
        "## Keys and secrets\n\n| Action | This week | Week before |\n|---|---:|---:|\n| Created an API key | 1 | 0 |"
        in text
    )
    assert "## Access" in text
    assert "| Logged in | 1 | 1 |" in text
    assert "secret.person" not in text


@pytest.mark.parametrize(
    ("code", "group"),
    [
        ("accounts.api_key_revoked", "Keys and secrets"),
        ("workflows.secret_stored", "Keys and secrets"),
        ("accounts.token_reuse", "Keys and secrets"),
        ("accounts.member_role_changed", "Permissions"),
        ("accounts.staff_access_changed", "Permissions"),
        ("accounts.user_deactivated", "Permissions"),
        ("accounts.logged_in", "Access"),
        ("accounts.login_failed", "Access"),
        ("accounts.impersonation_started", "Access"),
        ("audit.personal_data_erased", "Compliance"),
        ("accounts.email_changed", "Compliance"),
        ("staff.row_changed", "Audit and staff"),
        ("billing.refund_ordered", "Money"),
        ("workflows.run_cancelled", "Other"),
    ],
)
def test_what_an_action_is_about(code: str, group: str) -> None:
    assert governance.group_of(code) == group


def test_the_quarterly_review(organization: Organization) -> None:
    cost_day(date(2026, 7, 1), told=100, revenue=5_500, tax=500)
    cost_day(date(2026, 9, 30), told=100, revenue=3_000)
    cost_day(date(2026, 6, 30), revenue=1_000)
    cost_day(date(2026, 10, 1), revenue=9_999)
    call(organization, 30, at=datetime(2026, 8, 1, 9, tzinfo=UTC), category="runs")
    call(organization, 10, at=datetime(2026, 8, 1, 9, tzinfo=UTC), category="workflows")
    reports.roi_review(FRIDAY)
    report = Report.objects.get()
    text = text_of(report)
    assert report.title == "Quarterly review 2026-Q3"
    assert "- Earned: **$80.00** (+$70.00 (+700.0 %))" in text
    assert "| runs | 30 | 75.0 % |\n| workflows | 10 | 25.0 % |" in text
    assert "| September 2026 | 1 | 29 |" in text


def test_no_secret_reaches_a_report(organization: Organization, staff: User, settings: Any) -> None:
    """Planted where texts of others come from: names, outcomes, alarms, labels."""
    Organization.objects.filter(pk=organization.pk).update(name=PLANTED)
    JobRun.objects.create(
        job=PLANTED, slot=FRIDAY, started_at=FRIDAY - timedelta(hours=8), state="failed", outcome=settings.SECRET_KEY
    )
    with time_machine.travel(FRIDAY - timedelta(hours=8), tick=False):
        alerts.fire("verifier_failed", PLANTED, {"label": PLANTED, "detail": f"password={PLANTED}"})
    metric = PulseMetric("planted", f"Figure {PLANTED}", "count", lambda _s, _e: 1, PLANTED, order=1)
    with contributed(metric), contributed(Concern("planted", PLANTED, lambda: 1, lambda: "/admin/")):
        for job in (
            reports.expansion_monitor,
            reports.roi_review,
            reports.daily_ops_summary,
            reports.governance_report,
        ):
            job(FRIDAY)
        pulse.weekly_pulse(FRIDAY)
    shown = [str(values) for values in Report.objects.values("title", "summary", "document")]
    shown += [text_of(report) for report in Report.objects.all()]
    shown += [f"{mail.subject} {mail.text} {mail.html}" for mail in MailMessage.objects.all()]
    assert len(shown) == 13
    for text in shown:
        assert PLANTED not in text
        assert settings.SECRET_KEY not in text
