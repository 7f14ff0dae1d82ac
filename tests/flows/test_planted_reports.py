"""Secrets that got into names, errors and rows are looked for in each report, in each form that it has, and in its
mail: where they would stand, it says that something was removed."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from pypdf import PdfReader

from apps.accounts.models import User
from apps.audit.services import record
from apps.core import jobs
from apps.core.kinds import AlertType, AuditAction, Concern, PulseMetric, ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed
from apps.integrations.models import MailMessage
from apps.monitoring.models import Report
from apps.monitoring.services import reports
from apps.notifications.models import Alert
from apps.notifications.services.alerts import fire
from tests.common.planted import SECRETS, WORDS, bare, found_in
from tests.common.roles import client_of
from tests.common.staff import row_address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reports_folder")]
THURSDAY = datetime(2026, 11, 26, 12, tzinfo=UTC)  # in the day, the week and the week of governance below
DAILY = datetime(2026, 11, 27, 9, tzinfo=UTC)
WEEKLY = datetime(2026, 11, 27, 14, 30, tzinfo=UTC)
GOVERNANCE = datetime(2026, 11, 29, 9, tzinfo=UTC)

ALARM = AlertType("planted", "Planted", "critical", "Alarm {{ subject }}", "{{ error }}")
ACTION = AuditAction("planted.done", f"Did {SECRETS[0]}")
CONCERN = Concern("planted", f"Look at {SECRETS[1]}", lambda: 3, lambda: "/")
WRITTEN = {
    "daily": (reports.daily_ops_summary, DAILY),
    "weekly": (reports.expansion_monitor, WEEKLY),
    "governance": (reports.governance_report, GOVERNANCE),
}
# What each must say in their place, and so did say with them.
SAID = {
    "daily": (
        "Figure [removed]",
        "Broken [removed]",
        "Look at [removed]",
        "Failing [removed]",
        "calling with [removed], key=[removed], secret: [removed]; password=[removed]",
        "Alarm [removed] began",
    ),
    "weekly": ("Figure [removed]", "Broken [removed]", "Look at [removed]", "Product [removed]"),
    "governance": ("Did [removed]",),
}
MAILED = {"daily": ("Figure [removed]", "Broken [removed]"), "weekly": (), "governance": ()}


def _fail(_slot: datetime) -> str:
    raise ValueError(WORDS)


def _breaks(_start: datetime, _end: datetime) -> int:
    raise ValueError(WORDS)


@pytest.fixture
def planted() -> Iterator[None]:
    """What happened in the time of the reports. Rows hold them as well, as if the nets before had not been there."""
    metrics = (
        PulseMetric("planted", f"Figure {SECRETS[0]}", "count", lambda _start, _end: 1, f"Product {SECRETS[1]}"),
        PulseMetric("broken", f"Broken {SECRETS[2]}", "count", _breaks, "Planted"),
    )
    job = ScheduledJob("planted", f"Failing {SECRETS[0]}", _fail, "0 * * * *", retries=0)
    with contributed(ALARM, ACTION, CONCERN, job, *metrics):
        with time_machine.travel(THURSDAY, tick=False):
            jobs.run_slot(job, THURSDAY)
            JobRun.objects.filter(job="planted").update(outcome=WORDS)
            fire("planted", "one")
            Alert.objects.filter(code="planted").update(title=f"Alarm {SECRETS[0]} began")
            record("planted.done", data={"error": WORDS})
        yield


@pytest.mark.parametrize("kind", WRITTEN)
def test_no_form_of_a_report_holds_one(planted: None, kind: str, staff: User) -> None:
    write, slot = WRITTEN[kind]
    with time_machine.travel(slot + timedelta(minutes=1), tick=False):
        outcome = write(slot)
        report = Report.objects.get(kind=kind)
        forms = {
            "outcome": outcome,
            "row": str(report.document),
            "Markdown": reports.file_of(report, "md").decode(),
            "page": client_of(staff).get(row_address(report)).content.decode(),
            "PDF": _printed(reports.file_of(report, "pdf")),
            "mail": "\n".join(f"{mail.subject}\n{mail.text}\n{mail.html}" for mail in MailMessage.objects.all()),
        }
    assert {form: found_in(text) for form, text in forms.items()} == {form: [] for form in forms}
    for form in ("row", "Markdown", "page", "PDF"):
        assert [words for words in SAID[kind] if bare(words) not in bare(forms[form])] == [], form
    assert [words for words in MAILED[kind] if bare(words) not in bare(forms["mail"])] == []
    assert report.title in forms["mail"], "it was mailed"


def _printed(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
