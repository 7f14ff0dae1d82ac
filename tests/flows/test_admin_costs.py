"""Costs and health in the administration: bills by a form, the sheet, the file, who may see and who may enter."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.core.clock import now
from apps.core.kinds import BasePrice
from apps.core.registry import contributed
from apps.monitoring.models import CostDay, HealthRun, InfrastructureCost
from tests.common.costs import DAY, cost_days, fill_costs
from tests.common.roles import client_of
from tests.common.staff import list_address, row_address, staff_with

pytestmark = pytest.mark.django_db
SHEET, BOARD = "/admin/monitoring/costday/sheet/", "/admin/monitoring/healthrun/board/"
FILE = "/admin/monitoring/costday/days.csv"


@pytest.fixture
def client(staff: Any) -> Client:
    return client_of(staff)


def bill(**changed: object) -> dict[str, object]:
    first = f"{now().date() - 5 * DAY:%Y-%m-%d}"
    form = {"label": "Vercel", "category": "frontend", "kind": "monthly", "dollars": "20.50", "first_day": first}
    return {**form, "last_day": "", "note": "", **changed}


def test_a_bill_is_entered_changed_and_removed(client: Client) -> None:
    cost_days(now().date() - DAY, *[10] * 9)
    add = f"{list_address(InfrastructureCost)}add/"
    assert client.post(add, bill()).status_code == 302
    row = InfrastructureCost.objects.get()
    assert row.amount == 2_050
    assert CostDay.objects.filter(frontend__gt=0).count() == 5
    page = client.get(row_address(row)).content.decode()
    assert 'value="20.50"' in page
    assert client.post(row_address(row), bill(dollars="0", label="Free")).status_code == 302
    assert not CostDay.objects.filter(frontend__gt=0).exists()
    assert client.post(f"{row_address(row).removesuffix('change/')}delete/", {"post": "yes"}).status_code == 302
    assert not InfrastructureCost.objects.exists()
    written = set(AuditEntry.objects.unscoped().values_list("code", flat=True))
    assert {"staff.row_added", "staff.row_changed", "staff.row_deleted"} <= written


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dollars": "-1"}, "greater than or equal to 0"),
        ({"dollars": "1.005"}, "2 decimal places"),
        ({"dollars": "10000000.01"}, "less than or equal to"),
        ({"dollars": "NaN"}, "Enter a number"),
        ({"first_day": "1999-01-01"}, "At most five years from today."),
        ({"last_day": "2020-01-01"}, "It ends before it begins."),
        ({"kind": "once", "last_day": "2020-01-01"}, "What is paid once has one day"),
        ({"category": "tax"}, "Select a valid choice"),
        ({"label": ""}, "This field is required"),
    ],
)
def test_what_makes_no_sense_is_said_beside_its_field(client: Client, wrong: dict[str, str], words: str) -> None:
    answer = client.post(f"{list_address(InfrastructureCost)}add/", bill(**wrong))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not InfrastructureCost.objects.exists()


@pytest.mark.parametrize(("role", "may"), [("support", False), ("operations", True), ("finance", True)])
def test_who_enters_bills(role: str, may: bool) -> None:
    fill_costs()
    client, row = client_of(staff_with(role)), InfrastructureCost.objects.all()[0]
    add = client.get(f"{list_address(InfrastructureCost)}add/")
    assert add.status_code == (200 if may else 403)
    page = client.get(row_address(row))
    assert page.status_code == 200
    assert page.context["has_change_permission"] is may
    assert ("a month" in page.content.decode() or "once" in page.content.decode()) is True
    assert client.post(row_address(row), bill()).status_code == (302 if may else 403)
    assert ("Enter a cost" in client.get(SHEET).content.decode()) is may


@pytest.mark.parametrize("address", [SHEET, BOARD, FILE])
def test_pages_are_for_staff_with_a_role(address: str, owner: Any) -> None:
    assert client_of(owner).get(address).status_code == 403
    assert client_of(staff_with("")).get(address).status_code == 403
    assert client_of(staff_with("support")).get(address).status_code == 200
    assert Client().get(address).status_code == 302


def test_the_sheet_without_a_day_says_what_to_do(client: Client) -> None:
    page = client.get(SHEET).content.decode()
    assert "No day was collected yet" in page
    assert reverse("admin:monitoring_infrastructurecost_add") in page
    assert "no day was collected yet" in client.get("/admin/operations/").content.decode()


def test_the_sheet_adds_days_up(client: Client) -> None:
    last = now().date() - DAY
    cost_days(last, *[100] * 40, revenue=900, tax=100, fees=56, addon=300)
    with contributed(BasePrice("a_base", "Base", lambda: 2_900)):
        answer = client.get(SHEET)
    found, even = answer.context["found"], answer.context["even"]
    assert (found.days, found.earned, found.costs, found.margin) == (30, 24_000, 4_680, 19_320)
    assert answer.context["before"].days == 10
    # A month is 30.00; a customer pays 29.00, of which 84 cents and 30 go to Stripe.
    assert (even.monthly_costs, even.price, even.fee, even.customers) == (3_000, 2_900, 114, 2)
    text = answer.content.decode()
    assert "DAILY_COST_LIMIT" in text  # the alarm goes by it: one has to know where it is set
    for words in ("$240.00", "of $270.00 revenue, $30.00 are taxes", "$193.20", "80.5 %", "2 customers"):
        assert words in text, words


@pytest.mark.parametrize("span", ["30", "90", "364", "9999999", "x", ""])
def test_other_spans_are_as_cheap(client: Client, span: str, django_assert_max_num_queries: Any) -> None:
    fill_costs()
    client.get(SHEET)
    with django_assert_max_num_queries(24):
        answer = client.get(SHEET, {"days": span})
    assert answer.context["span"] == (int(span) if span in ("30", "90", "364") else 30)
    assert "How forecasts turned out" in answer.content.decode()


def test_the_file_has_every_day_to_the_cent(client: Client) -> None:
    newest = fill_costs()
    answer = client.get(FILE)
    assert answer["Content-Disposition"] == 'attachment; filename="costs.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == CostDay.objects.count()
    row = CostDay.objects.get(pk=newest.pk)
    assert rows[0]["day"] == f"{row.day:%Y-%m-%d}"
    assert Decimal(rows[0]["margin"]) * 100 == row.margin
    assert (rows[0]["tax"], rows[0]["balance"], rows[0]["fees_estimated"]) == ("1.00", "123.45", "True")


def test_a_day_is_found_by_its_date(client: Client) -> None:
    newest = fill_costs()
    found = client.get(list_address(CostDay), {"q": f"{newest.day:%Y-%m-%d}"})
    assert [row.pk for row in found.context["cl"].result_list] == [newest.pk]
    assert not client.get(list_address(CostDay), {"q": "1999-01-01"}).context["cl"].result_list


def test_the_board_shows_what_is_wrong_first(client: Client) -> None:
    assert "Nothing was looked at yet" in client.get(BOARD).content.decode()
    fill_costs()
    answer = client.get(BOARD)
    assert [one.check_name for one in answer.context["checks"]] == ["disk", "beat", "notion"]
    assert [(one.before, one.state) for one in answer.context["changes"]] == [("ok", "failed")]
    assert "something failed" in answer.content.decode()
    day = next(iter(answer.context["chart"].rows))
    assert day[1] == [0, 1]


def test_what_warns_is_not_called_healthy(client: Client) -> None:
    HealthRun.objects.all().delete()
    run = HealthRun.objects.create(kind="monitor", slot=now(), ok=True)
    run.results.create(check_name="disk", label="Disk space", state="ok")
    run.results.create(check_name="payments", label="Payments", state="warning")
    for address in (BOARD, list_address(HealthRun)):
        text = client.get(address).content.decode()
        assert "with a warning" in text, address
        assert ">healthy<" not in text, address


def test_the_board_costs_the_same_for_many_looks(client: Client, django_assert_max_num_queries: Any) -> None:
    fill_costs()
    run = HealthRun.objects.filter(kind="monitor")[0]
    for number in range(1, 60):
        HealthRun.objects.create(kind="monitor", slot=run.slot - timedelta(hours=6 * number + 1), ok=True)
    client.get(BOARD)
    with django_assert_max_num_queries(18):
        client.get(BOARD)


def test_the_page_of_operations_has_costs_and_health(client: Client) -> None:
    fill_costs()
    page = client.get("/admin/operations/").content.decode()
    for words in ("Costs of the newest day", "Net margin, 30 days", "Costs of the next 30 days", "Checks that fail"):
        assert words in page, words
