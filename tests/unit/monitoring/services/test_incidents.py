"""Incidents and maintenance: what may be told when."""

from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError
from apps.monitoring.models import Incident
from apps.monitoring.selectors.uptime import maintenance
from apps.monitoring.services import incidents

pytestmark = pytest.mark.django_db


def test_the_impact_is_that_of_the_worst_and_stays():
    incident = incidents.open_incident("Slow", "We look.", {"api": "degraded_performance", "runs": "partial_outage"})
    assert incident.impact == "major"
    incidents.post_update(incident, "monitoring", "Better.", effects={"api": "operational"})
    incident.refresh_from_db()
    assert incident.impact == "major"
    assert list(incident.components.values_list("component", "effect")) == [("api", "operational")]


def test_what_is_over_stays_over():
    incident = incidents.open_incident("Slow", "We look.", {})
    incidents.post_update(incident, "resolved", "Over.")
    with pytest.raises(ConflictError):
        incidents.post_update(incident, "investigating", "Again.")


@pytest.mark.parametrize(
    ("state", "words", "effects"),
    [
        ("scheduled", "We look.", {}),
        ("investigating", "   ", {}),
        ("investigating", "x" * 4001, {}),
        ("investigating", "We look.", {"nothing": "major_outage"}),
        ("investigating", "We look.", {"api": "on_fire"}),
    ],
)
def test_what_can_not_be_told(state, words, effects):
    with pytest.raises(InvalidInputError):
        incidents.open_incident("Slow", words, effects, state=state)
    assert not Incident.objects.exists()


def test_maintenance_is_announced_before_it_ends():
    moment = now()
    for starts, ends, parts in (
        (moment, moment - timedelta(hours=1), ["api"]),
        (moment - timedelta(hours=2), moment - timedelta(hours=1), ["api"]),
        (moment, moment + timedelta(hours=1), []),
    ):
        with pytest.raises(InvalidInputError):
            incidents.announce_maintenance("Disks", "New ones.", parts, starts_at=starts, ends_at=ends)


def announced(hours: float = 1) -> Incident:
    starts = now() + timedelta(hours=hours)
    return incidents.announce_maintenance(
        "Disks", "New ones.", ["api"], starts_at=starts, ends_at=starts + timedelta(hours=1)
    )


def test_maintenance_that_is_cancelled_never_begins():
    work = announced()
    incidents.cancel_maintenance(work, "Not today.")
    with pytest.raises(ConflictError):
        incidents.cancel_maintenance(work, "Not today.")
    with time_machine.travel(now() + timedelta(minutes=90), tick=False):
        assert incidents.advance_maintenance() == 0
        assert maintenance(["api"], now() - timedelta(hours=9), now()) == {"api": []}, "its minutes count"
    work.refresh_from_db()
    assert [(update.state, update.words) for update in work.updates.all()] == [
        ("cancelled", "Not today."),
        ("scheduled", "New ones."),
    ]
    with pytest.raises(ConflictError):
        incidents.post_update(work, "in_progress", "After all.")


def test_only_what_has_not_begun_can_be_cancelled():
    incident, work = incidents.open_incident("Slow", "We look.", {}), announced()
    with pytest.raises(ConflictError):
        incidents.cancel_maintenance(incident, "No.")
    with pytest.raises(InvalidInputError):
        incidents.cancel_maintenance(work, " ")
    with pytest.raises(InvalidInputError):
        incidents.post_update(work, "cancelled", "By another way.")
    with time_machine.travel(now() + timedelta(minutes=61), tick=False):
        for _look in range(2):  # before anybody noticed that its time has come, and after
            with pytest.raises(ConflictError):
                incidents.cancel_maintenance(work, "Too late.")
            incidents.advance_maintenance()
    work.refresh_from_db()
    assert work.state == "in_progress"


def test_maintenance_that_was_slept_through_ends_once():
    moment = now()
    work = incidents.announce_maintenance(
        "Disks", "New ones.", ["api"], starts_at=moment + timedelta(hours=1), ends_at=moment + timedelta(hours=2)
    )
    assert incidents.advance_maintenance() == 0
    with time_machine.travel(moment + timedelta(hours=9), tick=False):
        assert incidents.advance_maintenance() == 1
        assert incidents.advance_maintenance() == 0
    work.refresh_from_db()
    assert [update.state for update in work.updates.all()] == ["completed", "scheduled"]
