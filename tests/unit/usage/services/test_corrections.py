"""Staff take back what was counted by mistake: once, in its hour and period, in Redis as well, on the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction

from apps.accounts.models import Organization
from apps.audit.models import AuditEntry
from apps.core.errors import ConflictError
from apps.core.ids import new_id
from apps.usage.gate.either import gate
from apps.usage.limits import limits_of
from apps.usage.models import StaleCounter, StreamPosition, UsageEvent, UsageHour, UsageTotal
from apps.usage.periods import day_of, month_of
from apps.usage.selectors import corrected_by, correction_of, standing
from apps.usage.services.corrections import correct
from apps.usage.services.summing import sum_up
from tests.common.gates import call_of, client, events, gate_named, record, redis_away
from tests.common.roles import make_organization
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)
WHY = "Counted twice, ticket 12"


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def totals(organization: Organization) -> dict[tuple[str, str], int]:
    rows = UsageTotal.objects.for_organization(organization)
    return {(row.period, row.category): row.total for row in rows}


def test_it_is_an_event_of_the_opposite_sign_beside_the_other(organization, owner):
    key = new_id()
    wrong = record(organization, NOW, value=5, key_id=key, user_id=owner.pk, request_id="r" * 32)
    before = UsageEvent.objects.for_organization(organization).values().get()
    correction = correct(wrong, WHY)
    kept, made = UsageEvent.objects.for_organization(organization).order_by("pk").values()
    assert kept == before
    differs = {name: made.pop(name) for name in ("id", "value", "source", "source_id", "corrects")}
    assert made == {name: before[name] for name in made}
    assert differs == {
        "id": correction.pk,
        "value": -5,
        "source": "staff",
        "source_id": str(wrong.pk),
        "corrects": wrong.source_id,
    }


def test_totals_and_hours_follow(organization):
    earlier = record(organization, NOW - timedelta(days=40), value=3)
    record(organization, NOW - timedelta(days=40), value=2)
    record(organization, NOW, value=7)
    sum_up()
    correct(earlier, WHY)
    assert totals(organization) == {
        ("2026-10", ""): 2,
        ("2026-10", "runs"): 2,
        ("2026-11", ""): 7,
        ("2026-11", "runs"): 7,
    }
    assert sum_up() == 1
    first = UsageHour.objects.for_organization(organization).order_by("hour")[0]
    assert (first.total, first.events, first.highest) == (2, 1, 2)


def test_a_sandbox_has_days(organization):
    Organization.objects.filter(pk=organization.pk).update(livemode=False)
    organization.refresh_from_db()
    correct(record(organization, NOW), WHY)
    assert totals(organization)[day_of(NOW).name, ""] == -1, "recorded for the month, above"


def test_it_is_on_the_record(organization):
    wrong = record(organization, NOW, value=5)
    correction = correct(wrong, WHY)
    [entry] = AuditEntry.objects.for_organization(organization).filter(code="usage.event_corrected")
    assert (entry.target_type, entry.target_id) == ("usage.usageevent", str(wrong.pk))
    assert entry.data == {"reason": WHY, "meter": "api_calls", "value": -5, "correction": correction.pk}


def test_twice_takes_back_once(organization):
    wrong = record(organization, NOW)
    correction = correct(wrong, WHY)
    for refused in (wrong, correction):
        with pytest.raises(ConflictError):
            correct(refused, WHY)
    assert UsageEvent.objects.for_organization(organization).count() == 2
    assert AuditEntry.objects.for_organization(organization).filter(code="usage.event_corrected").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_at_once_take_back_once(organization):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    wrong = record(organization, NOW)

    def try_it() -> bool:
        try:
            correct(wrong, WHY)
        except ConflictError:
            return False
        return True

    assert sorted(run_in_threads(*[try_it] * 4)) == [False, False, False, True]
    assert totals(organization)["2026-11", ""] == 0


def test_who_loses_a_race_is_refused_and_leaves_nothing(organization, monkeypatch):
    """The other's event came after this one looked."""
    wrong = record(organization, NOW)
    correct(wrong, WHY)
    monkeypatch.setattr("apps.usage.services.corrections.correction_of", lambda event: None)
    with pytest.raises(ConflictError, match="already"):
        correct(wrong, WHY)
    assert totals(organization)["2026-11", ""] == 0
    assert AuditEntry.objects.for_organization(organization).filter(code="usage.event_corrected").count() == 1


# What the gate took back ----------------------------------------------------------------------------------------------
def read_up_to(moment: datetime) -> None:
    """As if the stream had last been read then."""
    StreamPosition.objects.update(read_at=moment)


@pytest.mark.parametrize("name", ["database", "redis"])
@pytest.mark.parametrize("moment", [NOW, NOW.replace(minute=59, second=59)])
def test_what_the_gate_took_back_is_not_taken_back_again(name, moment, organization, clock):
    clock.move_to(moment)
    port, call = gate_named(name), call_of(organization)
    verdict = port.admit(call)
    clock.shift(2)
    port.take_back(call, verdict)
    [counted] = [event for event in events(organization) if event.value > 0]
    [correction] = [event for event in events(organization) if event.value < 0]
    clock.shift(3600)
    read_up_to(moment + timedelta(hours=1))
    assert correction_of(counted) == correction
    assert corrected_by(correction) == counted
    for refused in (counted, correction):
        with pytest.raises(ConflictError):
            correct(refused, WHY)
    assert sum(event.value for event in events(organization)) == 0


@pytest.mark.parametrize("name", ["database", "redis"])
def test_what_its_call_may_still_take_back_has_to_wait(name, organization, clock):
    gate_named(name).admit(call_of(organization))
    [counted] = events(organization)
    with time_machine.travel(counted.at + timedelta(minutes=9), tick=False):
        read_up_to(counted.at + timedelta(minutes=9))
        with pytest.raises(ConflictError, match="ten minutes"):
            correct(counted, WHY)
    with time_machine.travel(counted.at + timedelta(minutes=11), tick=False):
        if name == "redis":
            with pytest.raises(ConflictError, match="ten minutes"):
                correct(counted, WHY)  # the stream was not read since, and may say that it was taken back
        read_up_to(counted.at + timedelta(minutes=11))
        correct(counted, WHY)
    assert sum(event.value for event in events(organization)) == 0


def test_of_a_stream_that_is_gone_nothing_comes_any_more(organization, clock):
    counted = record(organization, NOW - timedelta(hours=1), source="redis:gone")
    read_up_to(NOW - timedelta(days=1))
    correct(counted, WHY)


def test_others_may_have_an_event_of_the_same_id(organization, owner):
    """An id is its source's: another organization's correction, or another meter's, is about something else."""
    wrong = record(organization, NOW, source_id="1", source="a")
    record(make_organization(owner, "Other"), NOW, value=-1, corrects="1")
    record(organization, NOW, value=-1, corrects="1", meter="tokens")
    assert correction_of(wrong) is None
    assert correct(wrong, WHY).value == -1


# The counter in Redis -------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_counter_in_redis_follows_at_once(organization):
    client()
    wrong = record(organization, datetime.now(UTC), value=30)
    call = call_of(organization, limits_of(organization))
    assert gate.ask(lambda port: port.admit(call)).used == 31
    with transaction.atomic():
        correct(wrong, WHY)
        assert standing(organization).used == 31, "until the commit"
    assert (standing(organization).used, standing(organization).by_category) == (1, {"runs": 1})
    assert not StaleCounter.objects.unscoped().exists()


@pytest.mark.django_db(transaction=True)
def test_a_redis_that_is_away_learns_of_it_when_it_is_back(organization):
    client()
    wrong = record(organization, datetime.now(UTC), value=30)
    assert standing(organization).used == 30
    with redis_away():
        correct(wrong, WHY)
    period = month_of(datetime.now(UTC)).name
    assert list(StaleCounter.objects.for_organization(organization).values_list("period", flat=True)) == [period]


def test_other_meters_have_no_counter(organization, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    correct(record(organization, NOW, meter="tokens", value=9), WHY)
    assert not StaleCounter.objects.unscoped().exists()
