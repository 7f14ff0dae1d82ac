"""The pages of the business: for staff who may see them, with files to take away and bills to enter."""

import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pypdf import PdfReader

from apps.accounts.models import User
from apps.core.clock import now
from apps.monitoring.models import PulseValue, Report
from tests.common.monitored import cost_day, monitor
from tests.common.roles import client_of
from tests.common.staff import staff_with

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("reports_folder")]

PAGES = (
    "admin:monitoring_pulse",
    "admin:monitoring_growth",
    "admin:monitoring_pulse_csv",
    "admin:monitoring_growth_csv",
    "admin:monitoring_cohorts_csv",
)


@pytest.mark.parametrize("name", PAGES)
def test_for_staff_with_the_right_alone(name: str, owner: User, staff: User) -> None:
    address = reverse(name)
    assert client_of(owner).get(address).status_code == 403
    assert client_of(staff_with("")).get(address).status_code == 403
    for role in ("support", "operations", "finance"):
        assert client_of(staff_with(role)).get(address).status_code == 200


@pytest.mark.parametrize("name", PAGES)
def test_full_or_empty(name: str, staff: User) -> None:
    client, address = client_of(staff), reverse(name)
    empty = client.get(address)
    monitor()
    full = client.get(address)
    assert (empty.status_code, full.status_code) == (200, 200)
    assert len(full.content) > len(empty.content)


def test_a_figure_week_by_week(staff: User) -> None:
    monitor()
    client = client_of(staff)
    page = client.get(reverse("admin:monitoring_metric", args=["runs"])).content.decode()
    assert "+2 (+40.0 %)" in page
    assert client.get(reverse("admin:monitoring_metric", args=["unknown"])).status_code == 404


def test_weeks_in_which_a_figure_was_not_counted_are_gaps(staff: User) -> None:
    monitor()
    PulseValue.objects.filter(metric="runs").order_by("report__end")[0].delete()
    client = client_of(staff)
    for name, arguments in (("admin:monitoring_pulse", []), ("admin:monitoring_metric", ["runs"])):
        context = client.get(reverse(name, args=arguments)).context
        charts = context.get("charts") or [context["chart"]]
        [rows] = [chart.rows for chart in charts if "runs" in str(chart.title).lower()]
        assert [value for _week, value in rows] == [[None], [7]]


def test_reports_are_read_and_taken_away(staff: User, owner: User) -> None:
    monitor()
    report, client = Report.objects.get(), client_of(staff)
    page = client.get(reverse("admin:monitoring_report_change", args=[report.pk]))
    assert "Overview" in page.content.decode()
    address = {form: reverse("admin:monitoring_report_file", args=[report.pk, form]) for form in ("md", "pdf", "exe")}
    markdown, pdf = client.get(address["md"]), client.get(address["pdf"])
    assert markdown.content.decode().startswith("# Weekly report\n")
    assert markdown["Content-Disposition"].startswith('attachment; filename="weekly-')
    assert "Runs" in PdfReader(io.BytesIO(pdf.content)).pages[0].extract_text()
    assert pdf["Content-Type"] == "application/pdf"
    assert client.get(address["exe"]).status_code == 404
    assert client_of(owner).get(address["pdf"]).status_code == 403
    assert client_of(staff_with("")).get(address["pdf"]).status_code == 403


def test_no_cell_of_a_file_is_a_formula(staff: User) -> None:
    monitor()
    PulseValue.objects.update(label="=HYPERLINK(1)")
    text = client_of(staff).get(reverse("admin:monitoring_pulse_csv")).content.decode()
    assert "'=HYPERLINK(1)" in text
    assert ",=HYPERLINK" not in text


def asked(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get(address).status_code == 200
    return len(found)


@pytest.mark.parametrize("name", PAGES[:2])
def test_pages_ask_as_often_for_a_year_as_for_a_week(name: str, staff: User) -> None:
    client, address = client_of(staff), reverse(name)
    monitor()
    client.get(address)
    few = asked(client, address)
    for number in range(400, 600):
        cost_day(now().date() - timedelta(days=number), bills=1)
    many = asked(client, address)
    assert many == few <= 22
