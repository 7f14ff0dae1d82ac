"""Staff and what was counted: found by organization and request, never changed; limits are, on the record."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization
from apps.audit.models import AuditEntry
from apps.core.clock import now
from apps.usage.limits import limits_of, set_limits
from apps.usage.models import ApiRequest, OrganizationLimits, QuotaAlert, UsageEvent, UsageHour, UsageTotal
from apps.usage.periods import hour_of, month_of
from apps.usage.services.alerts import alert_quotas
from tests.common.gates import sum_up_all
from tests.common.roles import client_of, make_organization
from tests.common.staff import action_address, list_address, row_address, staff_with
from tests.common.usage import call, logged

pytestmark = pytest.mark.django_db
METERED = (UsageEvent, UsageHour, UsageTotal)


@pytest.fixture
def other(owner):
    return make_organization(owner, "Elsewhere", slug="elsewhere")


def listed(client, model, **query):
    answer = client.get(list_address(model), query, follow=True)
    assert answer.status_code == 200
    return list(answer.context["cl"].result_list)


def limits_row(organization):
    return OrganizationLimits(organization=organization)


@pytest.mark.parametrize("model", METERED)
def test_an_organization_is_found_by_id_and_slug(model, organization, other, staff):
    call(organization)
    call(other)
    sum_up_all()
    client = client_of(staff)
    assert len({row.organization_id for row in listed(client, model)}) == 2
    for words in (other.public_id, str(other.pk), "elsewhere", f" {other.public_id} "):
        assert {row.organization_id for row in listed(client, model, q=words)} == {other.pk}, words
    nobody = listed(client, model, q="org_01m7vv2xh0e14avfxr5vk977ya")
    assert nobody == []


def test_a_request_is_found_by_its_id(organization, staff):
    wanted = call(organization, request_id="b" * 32)
    call(organization, request_id="c" * 32)
    client = client_of(staff)
    assert listed(client, UsageEvent, q="b" * 32) == [wanted]
    assert "b" * 32 in client.get(row_address(wanted)).content.decode()


def test_old_events_are_there_when_asked_for(organization, staff):
    old = call(organization, at=now() - timedelta(days=9))
    new = call(organization)
    client = client_of(staff)
    assert listed(client, UsageEvent) == [new]
    assert listed(client, UsageEvent, period="any") == [new, old]
    assert listed(client, UsageEvent, period="any", q=organization.public_id) == [new, old]


def test_one_organizations_list_is_read_along_its_index(organization, staff):
    for hour in range(60):
        call(organization, at=now() - timedelta(hours=hour))
    client = client_of(staff)
    for query, order in (
        ({"organization__id__exact": str(organization.pk)}, '"hour" DESC'),
        ({}, '"at" DESC'),
    ):
        with CaptureQueriesContext(connection) as asked:
            rows = listed(client, UsageEvent, **query)
        assert [row.at for row in rows] == sorted((row.at for row in rows), reverse=True)
        statements = [entry["sql"] for entry in asked if 'FROM "usage_usageevent"' in entry["sql"]]
        assert any(f'"usage_usageevent".{order}' in statement for statement in statements), statements
        assert all("LIMIT" in statement for statement in statements), statements


def test_limits_are_changed_on_the_record_and_hold_at_once(organization, staff):
    operator = staff_with("operations")
    client = client_of(operator)
    row = limits_row(organization)
    assert client.get(row_address(row)).status_code == 200, "also without a row of its own"
    assert not OrganizationLimits.objects.for_organization(organization).exists(), "looking stores nothing"
    asked = client.get(action_address(row, "change"))
    assert "hold from the organization&#x27;s next call on" in asked.content.decode()
    done = client.post(action_address(row, "change"), {"plan": "pro", "calls": "12000", "per_minute": ""}, follow=True)
    assert done.redirect_chain[-1][0] == row_address(row)
    limits = limits_of(organization)
    assert (limits.plan, limits.quota, limits.per_minute) == ("pro", 12_000, 300)
    [entry] = AuditEntry.objects.for_organization(organization).filter(code="usage.limits_changed")
    assert (entry.actor_kind, entry.actor_id) == ("staff", operator.public_id)
    assert entry.data == {"before": None, "after": {"plan": "pro", "calls": 12_000, "per_minute": None}}
    client.post(action_address(row, "change"), {"plan": "usage_enterprise", "calls": "", "per_minute": "5"})
    second = AuditEntry.objects.for_organization(organization).filter(code="usage.limits_changed").order_by("-pk")[0]
    assert second.data["before"] == entry.data["after"]
    assert second.data["after"] == {"plan": "usage_enterprise", "calls": None, "per_minute": 5}


def test_the_same_limits_again_are_refused(organization, staff):
    set_limits(organization, "pro")
    client = client_of(staff)
    sent = {"plan": "pro", "calls": "", "per_minute": ""}
    told = client.post(action_address(limits_row(organization), "change"), sent, follow=True).content.decode()
    assert "These are the limits already" in told
    assert not AuditEntry.objects.for_organization(organization).filter(code="usage.limits_changed").exists()


@pytest.mark.parametrize(
    "sent",
    [
        {"plan": "gold"},
        {"plan": ""},
        {"plan": "pro", "calls": "-1"},
        {"plan": "pro", "per_minute": "0"},
        {"plan": "pro", "calls": "9" * 30},
        {"plan": "pro", "calls": "many"},
    ],
)
def test_what_makes_no_sense_is_asked_again(sent, organization, staff):
    answer = client_of(staff).post(action_address(limits_row(organization), "change"), sent)
    assert answer.status_code == 422
    assert 'class="errorlist' in answer.content.decode()
    assert not OrganizationLimits.objects.for_organization(organization).exists()


@pytest.mark.parametrize("role", ["support", "finance"])
def test_roles_without_the_right_only_look(role, organization):
    client = client_of(staff_with(role))
    row = limits_row(organization)
    assert "/do/change/" not in client.get(row_address(row)).content.decode()
    assert client.get(action_address(row, "change")).status_code == 403
    assert client.post(action_address(row, "change"), {"plan": "enterprise"}).status_code == 403
    assert not OrganizationLimits.objects.for_organization(organization).exists()


def test_limits_are_of_one_organization_at_a_time(organization, other, staff):
    client = client_of(staff)
    address = action_address(limits_row(organization), "change")
    assert client.post(f"{address}&id={other.pk}", {"plan": "pro"}).status_code == 404
    for wrong in (f"{address}x", address.split("?")[0], f"{address.split('?')[0]}?id=01a1f7fb8a9e75b88fda46803e94ce12"):
        assert client.get(wrong).status_code == 404, wrong
    set_limits(organization, "pro")
    page = client.get(list_address(OrganizationLimits)).content.decode()
    assert 'value="change"' not in page, "the list's menu has no action that asks for more"


def test_the_first_page_tells_of_calls_and_of_who_is_near_the_end(organization, owner, other, staff):
    sandbox = make_organization(owner, "Twin")
    Organization.objects.filter(pk=sandbox.pk).update(livemode=False)
    sandbox.refresh_from_db()
    call(sandbox, 50)
    set_limits(organization, "sandbox")
    set_limits(other, "sandbox")
    call(organization, 900)
    call(other, 1_000)
    sum_up_all()
    call(organization, 20)
    assert alert_quotas() == 3
    figures = {
        str(figure.label): figure
        for group in client_of(staff).get("/admin/").context["groups"]
        for figure in group["figures"]
    }
    assert figures["Calls today"].value == "1,900", "sandboxes count nowhere, nor hours that are not summed up"
    assert figures["Events this hour"].value == "3"
    assert (figures["Organizations over 80 %"].value, figures["Organizations at the end"].value) == ("2", "1")
    near = client_of(staff).get(figures["Organizations at the end"].url).context["cl"].result_list
    assert [row.organization_id for row in near] == [other.pk]


def test_an_organizations_page_tells_its_usage(organization, staff):
    set_limits(organization, "sandbox")
    call(organization, 850)
    client = client_of(staff)
    facts = {str(fact.label): fact for fact in client.get(row_address(organization)).context["facts"]}
    assert (facts["API plan"].value, facts["API plan"].note) == ("Sandbox", "60 calls a minute")
    used = facts["Calls this month"]
    assert (used.value, used.note, used.tone) == ("850", "85 % of 1,000", "wait")
    assert client.get(facts["API plan"].url).status_code == 200


# Down to the events, and taking one back ------------------------------------------------------------------------------
WHY = "Counted twice, ticket 12"


def leads_to(client, row, label):
    """Where a button of a row's page leads: the rows of that list."""
    page = client.get(row_address(row))
    buttons = {str(found["title"]): found["path"] for found in page.context["actions_detail"]}
    return list(client.get(buttons[label]).context["cl"].result_list)


def test_a_figure_leads_down_to_its_events(organization, other, staff):
    moment = month_of(now()).start - timedelta(days=40)
    calls = [call(organization, at=moment + timedelta(minutes=minutes), category="runs") for minutes in (1, 2, 70)]
    for elsewhere in (
        {"category": "ping"},
        {"category": "runs", "key_id": organization.pk},
        {"category": "runs", "at": moment + timedelta(days=40)},
    ):
        call(organization, **{"at": moment + timedelta(minutes=3), **elsewhere})
    call(other, at=moment, category="runs")
    sum_up_all()
    client = client_of(staff)
    hours = UsageHour.objects.for_organization(organization).order_by("hour", "-total")
    hour = hours.filter(category="runs", total=2).get()
    assert leads_to(client, hour, "Events") == calls[1::-1]
    total = UsageTotal.objects.for_organization(organization).order_by("period").filter(category="runs")[0]
    assert total.total == 4
    assert sum(event.value for event in leads_to(client, total, "Events")) == 4
    assert sum(found.total for found in leads_to(client, total, "Hours")) == 4
    whole = UsageTotal.objects.for_organization(organization).order_by("period").filter(category="")[0]
    assert sum(event.value for event in leads_to(client, whole, "Events")) == whole.total == 5


def test_the_events_behind_a_figure_are_read_along_an_index(organization, staff):
    for seconds in range(60):
        call(organization, at=hour_of(now()) - timedelta(seconds=seconds + 1))
    sum_up_all()
    client = client_of(staff)
    row = UsageHour.objects.for_organization(organization)[0]
    with CaptureQueriesContext(connection) as asked:
        assert leads_to(client, row, "Events")
    statements = [entry["sql"] for entry in asked if 'FROM "usage_usageevent"' in entry["sql"]]
    assert statements
    for statement in statements:
        assert "LIMIT" in statement, statement
        assert re.search(r'"organization_id" = .*"hour" = ', statement), statement


def test_an_event_is_taken_back_on_the_record(organization, staff):
    wrong = call(organization, 5)
    operator = staff_with("operations")
    client = client_of(operator)
    page = client.get(row_address(wrong)).content.decode()
    assert "/do/correct/" in page
    assert "corrected by" not in page
    asked = client.get(action_address(wrong, "correct"))
    assert "another of the opposite sign joins it" in asked.content.decode()
    assert UsageEvent.objects.for_organization(organization).count() == 1, "asking does nothing"
    assert client.post(action_address(wrong, "correct"), {"reason": "no"}).status_code == 422
    done = client.post(action_address(wrong, "correct"), {"reason": WHY}, follow=True)
    assert done.redirect_chain[-1][0] == row_address(wrong)
    correction = UsageEvent.objects.for_organization(organization).get(value=-5)
    page = done.content.decode()
    assert f'corrected by <a class="staff-link" href="{row_address(correction)}">api_calls -5</a>' in page
    assert "/do/correct/" not in page, "once"
    page = client.get(row_address(correction)).content.decode()
    assert f'corrects <a class="staff-link" href="{row_address(wrong)}">api_calls +5</a>' in page
    assert "/do/correct/" not in page
    [entry] = AuditEntry.objects.for_organization(organization).filter(code="usage.event_corrected")
    assert (entry.actor_kind, entry.actor_id, entry.data["reason"]) == ("staff", operator.public_id, WHY)
    again = client.post(action_address(wrong, "correct"), {"reason": WHY}, follow=True).content.decode()
    assert "This was taken back already" in again
    assert UsageEvent.objects.for_organization(organization).count() == 2


@pytest.mark.parametrize("role", ["support", "finance"])
def test_roles_without_the_right_take_nothing_back(role, organization):
    wrong = call(organization, 5)
    client = client_of(staff_with(role))
    assert "/do/correct/" not in client.get(row_address(wrong)).content.decode()
    assert client.post(action_address(wrong, "correct"), {"reason": WHY}).status_code == 403
    assert UsageEvent.objects.for_organization(organization).count() == 1


def test_a_correction_whose_event_is_gone_says_what_it_was(organization, staff):
    correction = call(organization, -1, corrects="1795780534-0")
    assert "corrects 1795780534-0" in client_of(staff).get(row_address(correction)).content.decode()


def test_alerts_are_listed_by_month_and_share(organization, staff):
    period = month_of(now()).name
    rows = [
        QuotaAlert.objects.create(organization=organization, period=name, percent=percent, calls=9, quota=10)
        for name, percent in ((period, 80), (period, 100), ("2020-01", 80))
    ]
    client = client_of(staff)
    assert listed(client, QuotaAlert) == rows[::-1]
    assert listed(client, QuotaAlert, period=period) == rows[1::-1]
    assert listed(client, QuotaAlert, period=period, percent="100") == [rows[1]]


def test_a_logged_call_is_found_and_shows_nothing_of_what_was_sent(organization, other, staff):
    wanted = logged(organization, request_id="looked-up-later", method="POST", body="hunter2", status=404)
    elsewhere = logged(other, at=now() - timedelta(days=10))
    client = client_of(staff)
    assert listed(client, ApiRequest, q="looked-up-later") == [wanted]
    assert listed(client, ApiRequest, q=organization.public_id) == [wanted]
    assert listed(client, ApiRequest) == [wanted], "the last week"
    assert listed(client, ApiRequest, period="any") == [wanted, elsewhere]
    for period, rows in (("7", []), ("30", [elsewhere]), ("any", [elsewhere])):
        assert listed(client, ApiRequest, period=period, organization__id__exact=str(other.pk)) == rows, period
    found = client.get(row_address(wanted)).content.decode()
    assert "looked-up-later" in found
    assert "hunter2" not in found
