"""`/usage/meters` and `/usage/meters/{meter}`."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.core.kinds import Meter
from apps.core.registry import contributed
from apps.usage import measuring
from apps.usage.selectors import standing
from apps.usage.services.summing import sum_up
from tests.common.gate_calls import issue, refusal, with_key
from tests.common.gates import record
from tests.common.roles import JsonClient, api_client_of
from tests.common.usage import call

pytestmark = pytest.mark.django_db
METERS = "/api/v1/usage/meters"
NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(NOW, tick=False):
        yield


def test_which_there_are(viewer):
    told = {row["name"]: row for row in api_client_of(viewer).get(METERS).json()["data"]}
    assert {"api_calls", "active_keys", "active_users", "tokens", "model_requests"} <= set(told)
    assert told["active_keys"] == {
        "name": "active_keys",
        "label": "Keys that called",
        "aggregation": "unique",
        "group_by": ["category", "user"],
    }
    assert {row["aggregation"] for row in told.values()} == {"sum", "count", "unique", "max"}


def test_another_app_can_bring_its_own(viewer, organization):
    record(organization, NOW, value=3, meter="gigabytes")
    with contributed(Meter("storage", "Storage", "gigabytes", "sum")):
        assert "storage" in str(api_client_of(viewer).get(METERS).json())
        assert api_client_of(viewer).get(f"{METERS}/storage").json()["data"][0]["value"] == 3
    assert api_client_of(viewer).get(f"{METERS}/storage").status_code == 404


def test_the_last_thirty_days_where_nothing_is_asked(viewer, organization):
    call(organization, 3)
    call(organization, 2, at=NOW - timedelta(days=29))
    call(organization, 9, at=NOW - timedelta(days=30))
    assert api_client_of(viewer).get(f"{METERS}/api_calls").json() == {
        "meter": "api_calls",
        "aggregation": "sum",
        "from": "2026-10-29T00:00:00Z",
        "to": "2026-11-28T00:00:00Z",
        "window": None,
        "data": [{"start": "2026-10-29T00:00:00Z", "group": {}, "value": 5}],
    }


def test_divided_by_day_key_and_person(owner, viewer, organization):
    key = issue(owner, organization).key
    call(organization, 2, key_id=key.pk, user_id=owner.pk, at=NOW - timedelta(days=1))
    sum_up()
    call(organization, 4, user_id=viewer.pk)
    asked = {"from": "2026-11-26", "to": "2026-11-28", "window": "day", "by": "key,user"}
    told = api_client_of(viewer).get(f"{METERS}/api_calls", asked).json()["data"]
    assert told == [
        {"start": "2026-11-26T00:00:00Z", "group": {"key": key.public_id, "user": owner.public_id}, "value": 2},
        {"start": "2026-11-27T00:00:00Z", "group": {"key": None, "user": viewer.public_id}, "value": 4},
    ]
    repeated = api_client_of(viewer).get(f"{METERS}/api_calls?from=2026-11-26&window=day&by=key&by=user").json()["data"]
    assert repeated == told


@pytest.mark.parametrize("text", ["2026-11-27T12:00:00Z", "2026-11-27T13:00:00+01:00", "2026-11-27T12:00"])
def test_a_range_may_be_hours_in_any_zone(text, viewer, organization):
    call(organization)
    call(organization, 7, at=NOW - timedelta(hours=1))
    told = api_client_of(viewer).get(f"{METERS}/api_calls", {"from": text}).json()
    assert (told["from"], told["data"][0]["value"]) == ("2026-11-27T12:00:00Z", 1)


@pytest.mark.parametrize(
    ("code", "asked"),
    [
        ("invalid_from", {"from": "yesterday"}),
        ("invalid_from", {"from": ""}),
        ("invalid_from", {"from": "2026-11-27T12:30:00Z"}),
        ("invalid_from", {"from": "2026-13-01"}),
        ("invalid_from", {"from": "2026-11-29"}),
        ("invalid_to", {"to": "0001-01-01"}),
        ("invalid_to", {"to": "9999-12-31T23:00:00-09:00"}),
        ("limit_exceeded", {"from": "2020-01-01"}),
        ("invalid_by", {"by": "key_id"}),
        ("invalid_by", {"by": "key,key"}),
        ("invalid_window", {"window": "week"}),
        ("invalid_window", {"window": ""}),
    ],
)
def test_what_makes_no_sense_is_refused(code, asked, viewer):
    problem = refusal(api_client_of(viewer).get(f"{METERS}/api_calls", asked))
    assert (problem["status"], problem["code"]) == (422, code)


def test_a_meter_says_what_it_can_be_divided_by(viewer):
    problem = refusal(api_client_of(viewer).get(f"{METERS}/active_keys", {"by": "key"}))
    assert (problem["code"], problem["detail"].endswith("of: category, user.")) == ("invalid_by", True)


def test_too_many_figures_are_refused(viewer, organization, monkeypatch):
    monkeypatch.setattr(measuring, "MOST_ROWS", 1)
    for category in ("runs", "ping"):
        call(organization, category=category)
    problem = refusal(api_client_of(viewer).get(f"{METERS}/api_calls", {"by": "category"}))
    assert (problem["status"], problem["code"]) == (422, "limit_exceeded")


def test_whoever_sees_usage_may_ask_and_nobody_else(owner, organization, outsider):
    call(organization, 5)
    assert JsonClient().get(METERS).status_code == JsonClient().get(f"{METERS}/api_calls").status_code == 401
    assert api_client_of(outsider).get(f"{METERS}/api_calls").json()["data"] == []
    assert api_client_of(owner).get(f"{METERS}/nonsense").status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("usage:view", 200), ("workflows:view", 403)])
def test_a_key_needs_the_scope(scope, status, owner, organization):
    program = with_key(issue(owner, organization, (scope,)).secret)
    assert program.get(METERS).status_code == program.get(f"{METERS}/api_calls").status_code == status


def test_asking_costs_no_call(owner, organization):
    program = with_key(issue(owner, organization).secret)
    for address in (METERS, f"{METERS}/api_calls"):
        assert program.get(address).status_code == 200
    assert standing(organization).used == 0
