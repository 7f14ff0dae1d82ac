"""Staff tell people: an incident and maintenance from the first word to the last, recorded, seen on the page."""

from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
import time_machine
from django.utils.html import escape

from apps.audit.models import AuditEntry
from apps.core.clock import now
from apps.monitoring.models import Incident, IncidentTemplate, Objective
from apps.monitoring.services import incidents
from apps.monitoring.services.slo import ensure_objectives
from apps.monitoring.services.starters import ensure_templates
from apps.monitoring.status import summary as kept
from tests.common.roles import client_of
from tests.common.staff import action_address, list_address, row_address, staff_with

pytestmark = pytest.mark.django_db
ADD = "/admin/monitoring/incident/add/"
NONE = {"starts_at_0": "", "starts_at_1": "", "ends_at_0": "", "ends_at_1": ""}


def test_an_incident_from_the_first_word_to_the_last(django_capture_on_commit_callbacks, client):
    staff = client_of(staff_with("operations"))
    form = {
        "kind": "incident",
        "title": "API is slow",
        "words": "We look.",
        "affected": ["api"],
        "effect": "partial_outage",
        **NONE,
    }
    with django_capture_on_commit_callbacks(execute=True):
        assert staff.post(ADD, form).status_code == 302
    incident = Incident.objects.get()
    assert (incident.state, incident.impact, incident.automatic) == ("investigating", "major", False)
    assert b"Some systems work only in part" in client.get("/status").content
    template = IncidentTemplate.objects.create(name="Found", state="identified", words="We know why.")
    page = action_address(incident, "update")
    assert staff.get(page).status_code == 200
    assert staff.post(page, {"state": "identified", "words": ""}).status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(page, {"state": "identified", "template": template.pk, "effect_api": "degraded_performance"})
        staff.post(page, {"state": "resolved", "words": "Over.", "effect_api": "operational"})
    incident.refresh_from_db()
    assert incident.is_over
    assert [update.words for update in incident.updates.all()] == ["Over.", "We know why.", "We look."]
    assert b"API is slow" in client.get("/status").content
    assert staff.get(row_address(incident)).status_code == 200
    codes = list(AuditEntry.objects.unscoped().order_by("pk").values_list("code", flat=True))
    assert codes == ["status.incident_opened", "status.incident_updated", "status.incident_updated"]


def test_maintenance_is_announced():
    staff = client_of(staff_with("operations"))
    starts, ends = now() + timedelta(hours=1), now() + timedelta(hours=2)
    form = {
        "kind": "maintenance",
        "title": "Disks",
        "words": "New ones.",
        "affected": ["api"],
        "starts_at_0": f"{starts:%Y-%m-%d}",
        "starts_at_1": f"{starts:%H:%M:%S}",
        "ends_at_0": f"{ends:%Y-%m-%d}",
        "ends_at_1": f"{ends:%H:%M:%S}",
    }
    marked = {
        "affected": {"affected": []},
        "ends_at": {"ends_at_0": "2020-01-01"},
        "starts_at ends_at": NONE,
        "starts_at": {"starts_at_0": "tomorrow"},
        "starts_at, ends_at": {"kind": "incident"},
    }
    for names, wrong in marked.items():
        refused = staff.post(ADD, form | wrong)
        assert refused.status_code == 200
        errors = refused.context["adminform"].form.errors
        assert set(errors) == set(names.replace(",", "").split()), "where it is to be mended, and nowhere else"
        assert all(len(told) == 1 for told in errors.values())
        assert "Constraint" not in refused.content.decode()
    assert not Incident.objects.exists()
    assert staff.post(ADD, form).status_code == 302
    assert Incident.objects.get().state == "scheduled"
    assert AuditEntry.objects.unscoped().get().code == "status.maintenance_announced"


def test_maintenance_is_cancelled(django_capture_on_commit_callbacks, client):
    staff, starts = client_of(staff_with("operations")), now() + timedelta(hours=1)
    work = incidents.announce_maintenance(
        "Disks", "New ones.", ["api"], starts_at=starts, ends_at=starts + timedelta(hours=1)
    )
    page = action_address(work, "cancel")
    assert b"The maintenance will not take place." in staff.get(page).content
    assert staff.post(page, {"words": ""}).status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        staff.post(page, {"words": "The disks are fine."})
        staff.post(page, {"words": "Once more."})
    work.refresh_from_db()
    assert (work.state, work.updates.count()) == ("cancelled", 2)
    assert b"The disks are fine." in client.get("/status").content
    assert AuditEntry.objects.unscoped().get().code == "status.maintenance_cancelled"
    assert action_address(work, "cancel") not in staff.get(row_address(work)).content.decode()


def test_the_page_of_an_incident_is_in_the_words_of_the_status_page(client):
    staff = client_of(staff_with("operations"))
    form = {
        "kind": "incident",
        "title": "Slow",
        "words": "We look.\r\n\r\nStill.",
        "affected": ["runs"],
        "effect": "",
        **NONE,
    }
    with time_machine.travel(datetime(2026, 11, 28, 10, 3, tzinfo=UTC), tick=False):
        staff.post(ADD, form)
    incident = Incident.objects.get()
    page = staff.get(row_address(incident)).content.decode()
    assert page.count("28 Nov 2026, 10:03 UTC") == 2, "when it began, and when it was told"
    assert "a.m." not in page
    assert "Workflow runs" in page
    assert ">runs<" not in page
    for word in ("Over since", "Starts", "Ends"):
        assert f">{word}<" not in page, word
    assert incident.updates.get().words == "We look.\n\nStill."
    incident.updates.update(words="Of before.\r\nStill.")
    kept.refresh()
    told = client.get("/api/v2/summary.json").json()["incidents"][0]["incident_updates"]
    assert told[0]["body"] == "Of before.\nStill."


def test_there_are_words_to_begin_with_once():
    assert ensure_templates() == 2
    IncidentTemplate.objects.first().delete()
    assert ensure_templates() == 0
    assert IncidentTemplate.objects.count() == 1, "what staff deleted stays away"
    template = IncidentTemplate.objects.get()
    assert template.words
    template.full_clean()


@pytest.mark.parametrize("role", ["support", "finance"])
def test_others_of_staff_only_look(role):
    incident = Incident.objects.create(title="Slow", state="investigating", impact="none")
    somebody = client_of(staff_with(role))
    assert somebody.get(list_address(Incident)).status_code == 200
    assert somebody.get(ADD).status_code == 403
    assert somebody.post(action_address(incident, "update"), {"state": "resolved", "words": "x"}).status_code == 403
    assert somebody.post(action_address(incident, "cancel"), {"words": "x"}).status_code == 403


def test_an_objective_is_changed_within_reason():
    ensure_objectives()
    objective = Objective.objects.get(code="api-latency")
    staff = client_of(staff_with("operations"))
    form = {
        "label": objective.label,
        "target": "99",
        "threshold_ms": "100",
        "fewest": "10",
        "fewest_bad": "3",
        "enabled": "on",
    }
    assert staff.post(row_address(objective), form | {"target": "100"}).status_code == 200
    assert staff.post(row_address(objective), form | {"threshold_ms": "123"}).status_code == 200
    assert staff.post(row_address(objective), form).status_code == 302
    objective.refresh_from_db()
    assert (objective.target, objective.threshold_ms) == (99, 100)
    assert AuditEntry.objects.unscoped().get().code == "staff.row_changed"


@pytest.mark.parametrize(("code", "milliseconds"), [("api-latency", ""), ("api-availability", "200")])
def test_only_latency_has_a_threshold(code, milliseconds):
    ensure_objectives()
    objective = Objective.objects.get(code=code)
    form = {
        "label": objective.label,
        "target": "99",
        "threshold_ms": milliseconds,
        "fewest": "10",
        "fewest_bad": "3",
        "enabled": "on",
    }
    refused = client_of(staff_with("operations")).post(row_address(objective), form)
    assert set(refused.context["adminform"].form.errors) == {"threshold_ms"}


def test_words_of_staff_are_shown_as_they_are(client):
    staff = client_of(staff_with("operations"))
    words = "<script>alert(1)</script> & more"
    form = {"kind": "incident", "title": words, "words": words, "affected": [], "effect": "", **NONE}
    staff.post(ADD, form)
    page = client.get(f"/status/incidents/{Incident.objects.get().public_id}").content.decode()
    assert escape(words) in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("pasted", ["\x1b", "\x0b", "\uffff", "\ufffe", "\x7f"])
def test_what_a_feed_can_t_hold_is_left_out_of_what_is_told(client, pasted):
    staff = client_of(staff_with("operations"))
    given = {"title": f"Slow{pasted} disk", "words": f"We{pasted} look."}
    form = {"kind": "incident", **given, "affected": [], "effect": "", **NONE}
    assert staff.post(ADD, form).status_code == 302
    incident = Incident.objects.get()
    assert (incident.title, incident.updates.get().words.split()) == ("Slow disk", ["We", "look."])
    template = {"name": "Found", "state": "identified", **given}
    assert staff.post(f"{list_address(IncidentTemplate)}add/", template).status_code == 302
    found = IncidentTemplate.objects.get()
    assert (found.title, found.words.split()) == ("Slow disk", ["We", "look."])
    staff.post(action_address(incident, "update"), {"state": "resolved", "words": f"Over{pasted}."})
    assert "".join(incident.updates.first().words.split()) == "Over."
    ElementTree.fromstring(client.get("/status/history.atom").content)  # noqa: S314 - our own


def test_words_of_control_characters_alone_are_none():
    staff = client_of(staff_with("operations"))
    form = {"kind": "incident", "title": "\x1b", "words": "\x1b", "affected": [], "effect": "", **NONE}
    assert set(staff.post(ADD, form).context["adminform"].form.errors) == {"title", "words"}
