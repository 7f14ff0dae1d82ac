"""The status page: what it tells, what it costs, and that it is there without a database."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.monitoring.intervals import MINUTE, minute_of
from apps.monitoring.models import Probe
from apps.monitoring.selectors.uptime import components
from apps.monitoring.services import incidents
from apps.monitoring.status import summary as kept
from apps.monitoring.status.api import _mean
from apps.monitoring.status.summary import Shown, summary
from tests.common.roles import client_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, 0, 40, tzinfo=UTC)
ATOM = "{http://www.w3.org/2005/Atom}"
ADDRESSES = (
    "/status",
    "/status/history.atom",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/scheduled-maintenances.json",
)


def probes(up=lambda name, age: True, minutes: int = 30) -> None:
    """What was seen in the last minutes; `age` 1 is the latest."""
    last = minute_of(datetime.now(UTC))
    Probe.objects.bulk_create(
        Probe(component=one.name, minute=last - age * MINUTE, up=up(one.name, age), latency_ms=12)
        for one in components()
        for age in range(1, minutes + 1)
    )


def asked_again():
    kept.refresh()
    return summary().value


@pytest.fixture
def day():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_warm_page_asks_no_database(address, client, day):
    probes()
    incidents.open_incident("Slow", "We look.", {"api": "degraded_performance"})
    assert client.get(address).status_code == 200
    with CaptureQueriesContext(
        connection,
    ) as asked:
        answer = client.get(address)
    assert answer.status_code == 200
    assert [query["sql"] for query in asked] == []
    assert answer["Cache-Control"].startswith("public, max-age=15")
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize("address", ADDRESSES)
def test_it_knows_nobody_who_is_logged_in(address, owner, organization, day):
    browser = client_of(owner, organization)
    browser.get(address)
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    assert len(asked) == 0


def test_it_is_made_anew_after_half_a_minute(client, day):
    probes()
    assert b"All systems operational" in client.get("/status").content
    Probe.objects.update(up=False)
    day.shift(timedelta(seconds=20))
    kept._memory.looked -= 20
    assert b"All systems operational" in client.get("/status").content
    day.shift(timedelta(seconds=12))
    kept._memory.looked -= 12
    assert b"Most systems are down" in client.get("/status").content


def test_the_last_copy_is_shown_while_the_database_is_away(owner, organization, monkeypatch, day):
    probes()
    browser = client_of(owner, organization)
    browser.get("/status")

    def away():
        raise OperationalError("away")

    monkeypatch.setattr(kept, "compose", away)
    for process_is_new in (False, True):
        day.shift(timedelta(seconds=40))
        kept._memory.looked -= 40
        if process_is_new:
            kept.forget()
        assert b"All systems operational" in browser.get("/status").content, process_is_new
    day.shift(timedelta(minutes=3))
    kept._memory.looked -= 180
    page = browser.get("/status")
    assert page.status_code == 200
    assert b"Our database does not answer" in page.content
    told = browser.get("/api/v2/status.json").json()["status"]
    assert told == {"indicator": "critical", "description": "Our database does not answer"}


def test_without_any_copy_it_says_that_it_does_not_know(client, monkeypatch):
    def away():
        raise OperationalError("away")

    monkeypatch.setattr(kept, "compose", away)
    page = client.get("/status")
    assert page.status_code == 200
    assert b"The state is not known" in page.content


def test_components_are_as_the_last_minutes_say(day):
    def up(name, age):
        return {"website": age not in (1, 2, 3), "api": age not in (1, 2), "runs": age != 1, "mail": age != 2}.get(
            name, True
        )

    probes(up)
    states = {one["id"]: one["status"] for one in asked_again()["components"]}
    assert states["website"] == "major_outage"
    assert states["api"] == "partial_outage"
    assert states["runs"] == "degraded_performance"
    assert states["mail"] == states["schedules"] == "operational"
    assert asked_again()["indicator"] == "major"


def test_what_staff_say_goes_before_the_probes(day):
    probes()
    incident = incidents.open_incident("Down", "It is.", {"api": "partial_outage"})
    value = asked_again()
    assert {one["status"] for one in value["components"] if one["id"] == "api"} == {"partial_outage"}
    assert (value["indicator"], value["incidents"][0]["impact"]) == ("major", "major")
    incidents.post_update(incident, "resolved", "It is not any more.")
    value = asked_again()
    assert value["indicator"] == "none"
    assert [one["status"] for one in value["recent"]] == ["resolved"]


def test_maintenance_counts_only_while_it_runs(day):
    probes()
    incidents.announce_maintenance(
        "New disks", "We swap them.", ["api"], starts_at=NOW + timedelta(hours=1), ends_at=NOW + timedelta(hours=2)
    )
    assert asked_again()["indicator"] == "none"
    day.move_to(NOW + timedelta(minutes=61))
    probes()
    assert incidents.advance_maintenance() == 1
    value = asked_again()
    assert value["indicator"] == "maintenance"
    assert value["maintenances"][0]["status"] == "in_progress"
    day.move_to(NOW + timedelta(minutes=121))
    probes()
    assert incidents.advance_maintenance() == 1
    assert incidents.advance_maintenance() == 0
    assert asked_again()["maintenances"] == []


def test_cancelled_maintenance_is_said_to_be_so_until_its_time(client, day):
    probes()
    work = incidents.announce_maintenance(
        "New disks",
        "We swap them.",
        ["api"],
        starts_at=NOW + timedelta(days=1),
        ends_at=NOW + timedelta(days=1, hours=1),
    )
    incidents.cancel_maintenance(work, "The disks are fine.")
    kept.refresh()
    page = client.get("/status").content.decode()
    planned = page[page.index("Scheduled maintenance</h2>") : page.index("Past incidents</h2>")]
    assert "Cancelled" in planned
    assert "The disks are fine." in planned
    assert page.count("New disks") == 1
    for address in ("/api/v2/summary.json", "/api/v2/scheduled-maintenances.json"):
        [told] = client.get(address).json()["scheduled_maintenances"]
        assert (told["status"], told["incident_updates"][0]["body"]) == ("cancelled", "The disks are fine.")
    feed = client.get("/status/history.atom").content.decode()
    assert feed.count("<entry>") == 1
    assert "The disks are fine." in feed
    assert "Cancelled" in client.get(f"/status/incidents/{work.public_id}").content.decode()
    day.move_to(NOW + timedelta(days=1, minutes=10))
    probes()
    value = asked_again()
    assert (value["indicator"], value["maintenances"]) == ("none", [])
    assert [one["status"] for one in value["recent"]] == ["cancelled"]
    assert "Cancelled" in client.get("/status").content.decode()


def test_no_share_is_rounded_up_to_all(day):
    last = minute_of(NOW)
    Probe.objects.bulk_create(
        Probe(component="api", minute=last - age * MINUTE, up=age != 50) for age in range(1, 10_000)
    )
    component = next(one for one in asked_again()["components"] if one["id"] == "api")
    assert component["uptime"]["7_days"] == 99.98


def test_the_mean_of_shares_is_cut_too():
    shares = [{"uptime": 100.0}] * 6 + [{"uptime": 99.99}]
    assert _mean(shares, "uptime") == 99.99
    assert _mean([{"uptime": None}], "uptime") is None


def test_history_and_incident_pages(client, day):
    incident = incidents.open_incident("Slow <b>pages</b>", "We look.\n\nStill.", {"website": "degraded_performance"})
    incidents.post_update(incident, "identified", "A disk.")
    page = client.get(f"/status/incidents/{incident.public_id}").content.decode()
    assert "Slow &lt;b&gt;pages&lt;/b&gt;" in page
    assert page.index("A disk.") < page.index("We look.")
    assert "Slow" in client.get("/status/history").content.decode()
    assert "Slow" not in client.get("/status/history/2026-10").content.decode()
    for wrong in ("2026-13", "1999-01", "2999-01", "abc"):
        assert client.get(f"/status/history/{wrong}").status_code == 404
    assert client.get("/status/incidents/inc_00000000000000000000000000").status_code == 404


def test_a_month_costs_the_same_however_much_happened(client, day, django_assert_num_queries):
    for _more in range(2):
        for _incident in range(20):
            incidents.open_incident("Slow", "We look.", {"api": "degraded_performance"})
        with django_assert_num_queries(3):
            client.get("/status/history")


def test_what_is_over_is_shown_under_its_day(client, day):
    probes(minutes=13 * 60)
    incident = incidents.open_incident("Was slow", "We look.", {"api": "degraded_performance"})
    incidents.post_update(incident, "resolved", "It was a disk.")
    page = client.get("/status").content.decode()
    assert page.index("20 November 2026</h3>") < page.index("Was slow") < page.index("19 November 2026</h3>")
    assert "It was a disk." in page


def test_a_month_costs_as_much_with_many_incidents_as_with_few(client, day, django_assert_num_queries):
    for count in (2, 20):
        for number in range(count):
            incidents.post_update(
                incidents.open_incident(f"Slow {number}", "We look.", {"api": "operational"}), "resolved", "Over."
            )
        with django_assert_num_queries(3):
            client.get("/status/history")


def test_days_on_which_nobody_looked_are_not_told_to_have_been_quiet(client, day):
    assert "20 November 2026</h3>" in client.get("/status").content.decode()
    assert "19 November 2026</h3>" not in client.get("/status").content.decode()
    probes(minutes=13 * 60)
    kept.refresh()
    page = client.get("/status").content.decode()
    assert "19 November 2026</h3>" in page
    assert "18 November 2026</h3>" not in page


def test_the_time_told_is_that_of_the_newest_look(client, day):
    page = client.get("/status").content.decode()
    assert "Looked at" not in page
    probes(minutes=30)
    day.shift(timedelta(minutes=7))
    kept.refresh()
    looked = "2026-11-20T11:59:00.000+00:00"
    assert client.get("/api/v2/summary.json").json()["page"]["updated_at"] == looked
    assert client.get("/api/metrics/public").json()["updated_at"].startswith("2026-11-20T11:59:00")
    page = client.get("/status").content.decode()
    assert 'datetime="2026-11-20T11:59' in page


def test_minutes_without_a_measurement_are_named(client, day):
    probes(lambda name, age: age != 12)
    Probe.objects.filter(minute=minute_of(NOW) - 5 * MINUTE).delete()
    kept.refresh()
    page = client.get("/status").content.decode()
    assert "2 minutes down<br>1 of them without a measurement" in page
    assert "Minutes without a measurement count as down." in page
    assert "93.33 %" in page


def test_the_feed_and_json_tell_the_same(client, day):
    incident = incidents.open_incident("Slow", "We look.", {"api": "degraded_performance"})
    incidents.post_update(incident, "monitoring", "Better.")
    feed = ElementTree.fromstring(client.get("/status/history.atom").content)  # noqa: S314 - our own
    entry = feed.find("{http://www.w3.org/2005/Atom}entry")
    assert entry.find("{http://www.w3.org/2005/Atom}title").text == "Slow"
    assert "Better." in entry.find("{http://www.w3.org/2005/Atom}summary").text
    told = client.get("/api/v2/summary.json").json()
    assert told["page"]["name"] == "Levqor"
    assert told["incidents"][0]["incident_updates"][0]["body"] == "Better."
    assert {"id", "name", "status", "position", "uptime"} <= told["components"][0].keys()
    answer = client.get("/api/v2/incidents.json", headers={"origin": "https://example.com"})
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert [one["id"] for one in answer.json()["incidents"]] == [incident.public_id]


@pytest.mark.parametrize("pasted", ["\x0b", "\x1b", "\ufffe", "\uffff", "\ud800", "\x9b"])
def test_no_row_breaks_the_feed(client, day, monkeypatch, pasted):
    incidents.open_incident("Slow", "We look.", {"api": "degraded_performance"})
    text = json.dumps(kept.summary().value).replace("Slow", f"Sl{pasted}ow").replace("We look.", f"We{pasted} look.")
    monkeypatch.setattr("apps.monitoring.status.feeds.summary", lambda: Shown(json.loads(text, strict=False), 0))
    entry = ElementTree.fromstring(client.get("/status/history.atom").content).find(f"{ATOM}entry")  # noqa: S314
    assert "".join(entry.find(f"{ATOM}title").text.split()) == "Slow"
    assert "look." in entry.find(f"{ATOM}summary").text


def test_public_metrics_need_no_credential_and_tell_nothing_internal(client, day):
    probes(lambda name, age: name != "api" or age > 10)
    Probe.objects.update(seen="postgres://levqor:secret@db/levqor")
    answer = client.get("/api/metrics/public")
    assert answer.status_code == 200
    body = answer.json()
    assert body["health"] == "degraded"
    assert {one["id"]: one["uptime_7_days"] for one in body["components"]}["api"] == 66.66
    assert body["uptime_30_days"] < 100
    assert "X-RateLimit-Limit" in answer
    everything = answer.content + client.get("/status").content + json.dumps(asked_again()).encode()
    assert b"postgres" not in everything


def test_other_sites_may_not_write(client):
    assert Client(enforce_csrf_checks=True).post("/status/subscribe", {"email": "a@example.com"}).status_code == 403
    for address in ("/status", "/status/history", "/status/history.atom", "/api/v2/summary.json"):
        assert client.post(address).status_code == 405, address
