"""The log of requests as each role finds it: every filter, the sandbox, what was sent, and sending it again."""

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client

from apps.accounts.models import Organization
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.sandbox import sandbox_of
from apps.core.clock import now
from apps.developers import selectors
from apps.usage import request_log, request_store
from apps.usage.models import NOBODY, ApiRequest
from tests.common.roles import actor_of, client_of
from tests.common.usage import logged

pytestmark = pytest.mark.django_db
LIST = "/developer/requests"
BODY = '{"source": "name: Only for builders"}'
LeftOut = ApiRequest.LeftOut


def text(client, address, **query):
    answer = client.get(address, query)
    assert answer.status_code == 200, address
    return " ".join(answer.content.decode().split())


def listed(client, **query):
    """The paths of the list, as they stand there."""
    return re.findall(r'class="mono" href="/developer/requests/req_\w+">\w+ (\S+)</a>', text(client, LIST, **query))


def page_of(row):
    return f"{LIST}/{row.public_id}"


@pytest.fixture
def key(owner, organization):
    return api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Warehouse robot")).key


@pytest.fixture
def sandbox(owner, organization):
    return sandbox_of(organization, owner)


@pytest.fixture
def rows(organization, key):
    """One call each, the oldest first."""
    return {
        "/ok": logged(organization, path="/ok", key_id=key.pk),
        "/moved": logged(organization, path="/moved", status=302),
        "/refused": logged(organization, path="/refused", key_id=key.pk, status=404),
        "/failed": logged(organization, path="/failed", status=503, request_id="looked-up-later"),
        "/also-failed": logged(organization, path="/also-failed", key_id=key.pk, status=500),
    }


@pytest.mark.parametrize(
    ("query", "paths"),
    [
        ({}, ["/also-failed", "/failed", "/refused", "/moved", "/ok"]),
        ({"outcome": "ok"}, ["/moved", "/ok"]),
        ({"outcome": "refused"}, ["/refused"]),
        ({"outcome": "failed"}, ["/also-failed", "/failed"]),
        ({"outcome": "no outcome"}, ["/also-failed", "/failed", "/refused", "/moved", "/ok"]),
        ({"key": "none"}, ["/failed", "/moved"]),
        ({"key": "none", "outcome": "failed"}, ["/failed"]),
        ({"request": "looked-up-later"}, ["/failed"]),
        ({"request": " looked-up-later "}, ["/failed"]),
        ({"request": "looked-up-later", "outcome": "ok"}, []),
        ({"request": "another-request"}, []),
        ({"environment": "live"}, ["/also-failed", "/failed", "/refused", "/moved", "/ok"]),
        ({"environment": "test"}, []),
    ],
)
def test_the_list_is_narrowed(query, paths, rows, owner):
    assert listed(client_of(owner), **query) == paths


def test_the_list_is_narrowed_to_a_key(rows, key, owner, organization):
    client = client_of(owner)
    assert listed(client, key=key.public_id) == ["/also-failed", "/refused", "/ok"]
    assert listed(client, key=key.public_id, outcome="failed") == ["/also-failed"]
    assert f"Warehouse robot ({key.last_four})" in text(client, LIST, key=key.public_id)
    assert client.get(LIST, {"key": "key_nonsense"}).status_code == 404


def test_the_list_goes_on_where_a_page_ends(organization, owner, monkeypatch):
    monkeypatch.setattr("apps.developers.views_requests.PAGE", 2)
    moment, client, seen = now(), client_of(owner), []
    for number in range(5):  # the first three are of one moment
        logged(organization, path=f"/{number}", at=moment + timedelta(seconds=max(number - 2, 0)), status=500)
    logged(organization, path="/fine")
    query = {"outcome": "failed"}
    while "cursor" not in query or query["cursor"]:
        seen.append(listed(client, **query))
        after = re.search(r"cursor=([\w-]+)", text(client, LIST, **query))
        query["cursor"] = after[1] if after else ""
    assert seen == [["/4", "/3"], ["/2", "/1"], ["/0"]]


@pytest.mark.parametrize("cursor", ["nonsense", "é", "bm90aGluZ3w", "OTk5OS05OS05OXw"])
def test_a_cursor_of_somebody_else_is_told(cursor, rows, owner):
    assert client_of(owner).get(LIST, {"cursor": cursor}).status_code == 422


def test_of_one_request_id_the_newest_are_looked_through(organization, owner, monkeypatch):
    monkeypatch.setattr(selectors, "SAME_REQUEST_ID", 2)
    for number in range(4):
        logged(organization, path=f"/{number}", request_id="always-the-same")
    assert listed(client_of(owner), request="always-the-same") == ["/3", "/2"]


def test_the_sandbox_has_a_log_of_its_own(rows, sandbox, organization, owner):
    tried = logged(sandbox, path="/api/sandbox/v1/runs")
    client = client_of(owner)
    assert listed(client, environment="test") == ["/api/sandbox/v1/runs"]
    assert "/api/sandbox/v1/runs" not in listed(client)
    assert "GET /api/sandbox/v1/runs" in text(client, page_of(tried))


@pytest.mark.parametrize("role", ["owner", "teammate", "developer", "billing", "viewer"])
def test_who_manages_keys_sees_what_was_sent_and_may_send_it_again(role, organization, request):
    row = logged(organization, method="POST", path="/api/v1/workflows/validate", body=BODY)
    client = client_of(request.getfixturevalue(role))
    assert listed(client) == ["/api/v1/workflows/validate"]
    found = text(client, page_of(row))
    assert "POST /api/v1/workflows/validate" in found
    builds = role in ("owner", "teammate", "developer")
    assert ("Only for builders" in found, 'id="replay"' in found, "Replay" in found) == (builds,) * 3


def test_others_find_nothing(rows, sandbox, outsider, organization):
    tried = logged(sandbox)
    client = client_of(outsider)
    assert listed(client) == listed(client, environment="test") == []
    for row in (rows["/failed"], tried):
        assert client.get(page_of(row)).status_code == 404
        assert Client().get(page_of(row)).status_code == 302


@pytest.mark.parametrize("left_out", LeftOut)
def test_what_is_not_whole_is_not_sent_again(left_out, organization, owner):
    row = logged(organization, method="POST", left_out=left_out)
    found = html.unescape(text(client_of(owner), page_of(row)))
    assert str(left_out.label) in found
    assert 'id="replay"' not in found
    assert 'disabled aria-describedby="not-replayed"' in found


def test_what_no_browser_sends_is_not_sent_again(organization, owner):
    found = html.unescape(text(client_of(owner), page_of(logged(organization, method="TRACE"))))
    assert "A browser can't send such a call." in found
    assert 'id="replay"' not in found


def test_what_was_sent_without_a_body_is_sent_again_without_one(organization, owner):
    found = text(client_of(owner), page_of(logged(organization, method="POST")))
    assert "Nothing was sent along." in found
    assert 'id="replay"' in found
    assert "data-body" not in found


def replayed(client, address):
    """The call that the page's script makes."""
    form = re.search(r'<form[^>]* id="replay"[^>]*>', text(client, address))
    assert form, address
    told = {name: html.unescape(value) for name, value in re.findall(r'data-([\w-]+)="([^"]*)"', form[0])}
    headers = {"X-CSRFToken": told["csrf"]}
    return client.generic(
        told["method"], told["path"], told.get("body", ""), content_type="application/json", headers=headers
    )


def test_a_call_of_a_program_is_sent_again_by_a_person(organization, owner, developer):
    issued = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Program"))
    request_log._waiting.clear()
    source = "name: \"Quoted & <tagged> 'é'\"\nsteps: []\n"
    first = Client(headers={"X-API-Key": issued.secret}).post(
        "/api/v1/workflows/validate?note=a%20b%26c", {"source": source}, content_type="application/json"
    )
    request_log.flush()
    request_store.store_waiting()
    row = ApiRequest.objects.for_organization(organization).get()
    again = replayed(client_of(developer, enforce_csrf_checks=True), page_of(row))
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    request_log.flush()
    request_store.store_waiting()
    second = ApiRequest.objects.for_organization(organization).exclude(pk=row.pk).get()
    assert (second.method, second.path, second.body) == (row.method, row.path, row.body)
    assert (row.user_id, second.user_id, second.key_id.int) == (owner.pk, developer.pk, 0)


@pytest.mark.parametrize(
    ("about", "columns"),
    [
        ({}, "organization_id=?"),
        ({"outcome": "failed"}, "organization_id=? AND outcome=?"),
        ({"key": NOBODY}, "organization_id=? AND key_id=?"),
        ({"key": NOBODY, "outcome": "failed"}, "organization_id=? AND key_id=? AND outcome=?"),
    ],
)
def test_each_filter_has_an_index_that_ends_in_time(about, columns, organization):
    """Any other way reads two weeks of an organization for a few failures. (PostgreSQL's plans depend on its rows.)"""
    if connection.vendor != "sqlite":
        pytest.skip("the planner of PostgreSQL takes an empty table as it comes")
    rows = ApiRequest.objects.for_organization(organization)
    plan = selectors.narrowed(rows, **about).order_by("-at")[:51].explain()
    assert f"({columns})" in plan
    assert "B-TREE" not in plan, "nothing is sorted"


MANY = """
INSERT INTO usage_apirequest (id, user_id, key_id, request_id, method, path, category, status, outcome, milliseconds,
    address, body, left_out, at, organization_id)
SELECT (lpad(to_hex(1764000000000 + i), 12, '0') || substr(md5(id::text || i), 1, 20))::uuid,
    %(nobody)s, %(nobody)s, 'same', 'GET', '/api/v1/runs', 'runs',
    CASE WHEN fails THEN 500 ELSE 200 END, CASE WHEN fails THEN 'failed' ELSE 'ok' END, 7,
    NULL, '', '', to_timestamp(1764000000 + i * 0.001), id
FROM generate_series(1, 40000) i,
    LATERAL (VALUES (%(few)s::uuid, i <= 3), (%(many)s::uuid, i %% 3 = 0)) organization(id, fails)
WHERE id = %(few)s OR i <= 10000
"""


@pytest.mark.parametrize("about", [{}, {"request_id": "same"}, {"key": NOBODY}])
def test_a_few_failures_are_found_among_many_calls(about, organization, outsider):
    """Three in the beginning, while every third call of another organization fails."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite goes by what a query asks for, not by what the rows are")
    elsewhere = Organization.objects.get(created_by=outsider)
    with connection.cursor() as cursor:
        cursor.execute(MANY, {"nobody": NOBODY, "few": organization.pk, "many": elsewhere.pk})
        cursor.execute("ANALYZE usage_apirequest")
    rows = selectors.narrowed(ApiRequest.objects.for_organization(organization), outcome="failed", **about)
    plan = rows.order_by("-at", "-pk")[:51].explain(analyze=True)
    read = [int(number) for number in re.findall(r"Rows Removed by Filter: (\d+)", plan)]
    assert sum(read) <= selectors.SAME_REQUEST_ID, plan


def test_organizations_are_told_apart(rows, organization, outsider):
    elsewhere = Organization.objects.get(created_by=outsider)
    logged(elsewhere, path="/elsewhere", request_id="looked-up-later")
    assert listed(client_of(outsider), request="looked-up-later") == ["/elsewhere"]
