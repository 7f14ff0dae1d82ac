"""One behaviour for both gates: who may pass, what is counted, and what is taken back."""

import itertools
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Organization
from apps.core.ids import new_id
from apps.usage.gate.database_gate import DatabaseGate
from apps.usage.gate.port import Verdict
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.periods import day_of, month_of
from tests.common.gates import call_of, client, events, gate_named, limits, microseconds
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
MONTH = month_of(NOON)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(params=["database", "redis"])
def gate(request, clock):
    return gate_named(request.param)


def refusals(gate, call, count):
    return [gate.admit(call).refusal for _number in range(count)]


@pytest.mark.parametrize("per_minute", [1, 3, 7])
def test_a_full_bucket_passes_at_once_and_refills_evenly(gate, clock, organization, per_minute):
    call = call_of(organization, limits(per_minute))
    passed = [gate.admit(call) for _number in range(per_minute)]
    assert [verdict.refusal for verdict in passed] == [""] * per_minute
    assert [verdict.remaining for verdict in passed] == list(range(per_minute))[::-1]
    assert passed[-1].full_in == pytest.approx(60, abs=1e-5)
    refused = gate.admit(call)
    assert (refused.refusal, refused.remaining, refused.receipt) == ("minute", 0, "")
    assert refused.retry_in == pytest.approx(60 / per_minute, abs=1e-5)
    for _number in range(3):
        clock.shift(60 / per_minute - 0.001)
        assert gate.admit(call).refusal == "minute"
        clock.shift(0.001)
        assert refusals(gate, call, 2) == ["", "minute"]
    clock.shift(3600)
    assert refusals(gate, call, per_minute + 1) == [*[""] * per_minute, "minute"]


def test_it_can_be_asked_beforehand(gate, clock, organization):
    call = call_of(organization, limits(2))
    for exhausted in (False, False, True):
        assert [gate.is_exhausted(call) for _time in range(2)] == [exhausted] * 2
        assert (gate.admit(call).refusal == "minute") is exhausted
    clock.shift(30)
    assert not gate.is_exhausted(call)


def test_what_is_taken_back_counts_off_when_it_was_counted(gate, clock, organization):
    """Over midnight too: else one hour had a call too many and the other one too few."""
    call = call_of(organization)
    verdict = gate.admit(call)
    clock.shift(3 * 3600)
    gate.take_back(call, verdict)
    counted, taken_back = events(organization)
    assert (counted.value, taken_back.value) == (1, -1)
    assert counted.hour == taken_back.hour


def test_each_subject_has_its_bucket(gate, organization):
    allowed = limits(1)
    assert refusals(gate, call_of(organization, allowed, subject="a"), 2) == ["", "minute"]
    assert refusals(gate, call_of(organization, allowed, subject="b"), 2) == ["", "minute"]


def test_a_lowered_rate_holds_at_once(gate, clock, organization):
    for _number in range(6):
        gate.admit(call_of(organization, limits(12)))
    refused = gate.admit(call_of(organization, limits(1)))
    assert (refused.refusal, refused.remaining) == ("minute", 0)
    clock.shift(refused.retry_in)
    assert gate.admit(call_of(organization, limits(1))).refusal == ""


def test_the_quota_is_exact(gate, clock, organization):
    call = call_of(organization, limits(quota=3))
    passed = [gate.admit(call) for _number in range(3)]
    assert [(verdict.refusal, verdict.used) for verdict in passed] == [("", 1), ("", 2), ("", 3)]
    assert len({verdict.receipt for verdict in passed}) == 3
    refused = gate.admit(call)
    assert (refused.refusal, refused.used, refused.receipt, refused.period) == ("quota", 3, "", MONTH)
    assert refused.retry_in == pytest.approx((MONTH.end - NOON).total_seconds(), abs=1e-5)
    assert refused.remaining == 997, "what is refused for the quota empties no bucket"
    assert gate.admit(call_of(organization, limits(quota=4))).used == 4
    assert gate.counted(organization.pk, MONTH).calls == 4
    assert [event.value for event in events(organization)] == [1] * 4


def test_a_quota_of_none_at_all(gate, organization):
    assert gate.admit(call_of(organization, limits(quota=0))).refusal == "quota"
    assert not events(organization)


def test_the_rate_is_told_before_the_quota(gate, organization):
    call = call_of(organization, limits(1, quota=1))
    assert refusals(gate, call, 2) == ["", "minute"]


@pytest.mark.parametrize("allowed", [limits(quota=2, soft=True), limits(quota=None)])
def test_a_soft_quota_and_none_go_on(gate, organization, allowed):
    verdicts = [gate.admit(call_of(organization, allowed)) for _number in range(4)]
    assert [(verdict.refusal, verdict.used) for verdict in verdicts] == [("", 1), ("", 2), ("", 3), ("", 4)]


def test_what_is_refused_counts_nothing(gate, organization):
    assert refusals(gate, call_of(organization, limits(1)), 3) == ["", "minute", "minute"]
    assert gate.counted(organization.pk, MONTH).calls == 1
    assert len(events(organization)) == 1


def test_free_calls_are_limited_and_count_nothing(gate, organization):
    gate.admit(call_of(organization, limits(quota=1)))
    free = call_of(organization, limits(3, quota=1), subject="other", free=True, category="usage")
    verdicts = [gate.admit(free) for _number in range(4)]
    assert [verdict.refusal for verdict in verdicts] == ["", "", "", "minute"]
    assert {verdict.receipt for verdict in verdicts} == {""}
    gate.take_back(free, verdicts[0])
    assert gate.counted(organization.pk, MONTH).by_category == {"runs": 1}
    assert len(events(organization)) == 1


def test_nobody_known_is_limited_and_not_counted(gate, organization):
    call = call_of(None, limits(2, quota=None), subject="ip:198.51.100.7")
    verdicts = [gate.admit(call) for _number in range(3)]
    assert [verdict.refusal for verdict in verdicts] == ["", "", "minute"]
    assert {(verdict.used, verdict.receipt) for verdict in verdicts} == {(0, "")}
    gate.take_back(call, verdicts[0])
    assert not events(organization)


def test_an_organization_has_one_quota_and_another_its_own(gate, owner, organization):
    allowed, other = limits(quota=2), make_organization(owner, "Other")
    assert refusals(gate, call_of(organization, allowed, subject="a"), 1) == [""]
    assert refusals(gate, call_of(organization, allowed, subject="b"), 2) == ["", "quota"]
    assert refusals(gate, call_of(other, allowed), 3) == ["", "", "quota"]


def test_what_is_counted_says_whose_it_was(gate, organization):
    user, key = new_id(), new_id()
    gate.admit(call_of(organization, user_id=user, key_id=key, category="runs", request_id="req-1|2"))
    [event] = events(organization)
    assert (event.user_id, event.key_id, event.category, event.request_id) == (user, key, "runs", "req-1|2")
    assert (event.meter, event.value, event.corrects) == ("api_calls", 1, "")


def test_taking_back_twice_takes_back_once(gate, organization):
    call = call_of(organization, limits(quota=2))
    kept, wrong = gate.admit(call), gate.admit(call)
    assert gate.admit(call).refusal == "quota"
    for _number in range(2):
        gate.take_back(call, wrong)
    counted = gate.counted(organization.pk, MONTH)
    assert (counted.calls, counted.by_category) == (1, {"runs": 1})
    assert refusals(gate, call, 2) == ["", "quota"]
    found = events(organization)
    assert sorted(event.value for event in found) == [-1, 1, 1, 1]
    [correction] = [event for event in found if event.value < 0]
    assert (correction.corrects, correction.category) == (wrong.receipt, "runs")
    assert wrong.receipt in {event.source_id for event in found}
    assert kept.receipt != wrong.receipt


def test_a_refused_call_is_not_taken_back(gate, organization):
    call = call_of(organization, limits(quota=1))
    gate.admit(call)
    gate.take_back(call, gate.admit(call))
    assert gate.counted(organization.pk, MONTH).calls == 1


@pytest.mark.parametrize(
    ("span", "last", "length"),
    [
        ("month", datetime(2026, 11, 30, 23, 59, 59, 999_000, tzinfo=UTC), timedelta(days=30)),
        ("day", datetime(2026, 11, 27, 23, 59, 59, 999_000, tzinfo=UTC), timedelta(days=1)),
    ],
)
def test_a_period_ends_to_the_millisecond(gate, clock, organization, span, last, length):
    call = call_of(organization, limits(quota=1, span=span))
    clock.move_to(last)
    before = gate.admit(call)
    refused = gate.admit(call)
    assert (refused.refusal, refused.retry_in) == ("quota", pytest.approx(0.001, abs=1e-5))
    clock.shift(0.001)
    after = gate.admit(call)
    assert [verdict.used for verdict in (before, after)] == [1, 1]
    assert before.period.end == after.period.start
    assert before.period.end - before.period.start == length
    gate.take_back(call, before)  # where it was counted
    assert gate.counted(organization.pk, before.period).calls == 0
    assert gate.counted(organization.pk, after.period).calls == 1
    assert gate.admit(call).refusal == "quota"


def test_counted_by_category(gate, organization):
    assert gate.counted(organization.pk, MONTH).calls == 0
    for category in ("runs", "ping", "runs"):
        verdict = gate.admit(call_of(organization, category=category))
    gate.take_back(call_of(organization, category="ping"), gate.admit(call_of(organization, category="ping")))
    assert gate.counted(organization.pk, MONTH).by_category == {"runs": 2, "ping": 1}
    gate.take_back(call_of(organization, category="runs"), verdict)
    assert gate.counted(organization.pk, MONTH).by_category == {"runs": 1, "ping": 1}
    assert gate.counted(organization.pk, day_of(NOON)).by_category == {}


def test_the_time_of_redis_decides(organization, clock):
    elsewhere = datetime(2026, 12, 1, 0, 0, 1, tzinfo=UTC)
    gate = RedisGate(client(), clock=lambda: int(elsewhere.timestamp()) * 1_000_000)
    verdict = gate.admit(call_of(organization))
    assert (verdict.refusal, verdict.period) == ("", month_of(elsewhere))
    assert gate.counted(organization.pk, MONTH).calls == 0
    assert {event.value for event in events(organization)} == {1}


PER_MINUTE = (1, 2, 7)
QUOTAS = (None, 0, 2, 5)
steps = st.lists(
    st.fixed_dictionaries(
        {
            "wait": st.sampled_from([0, 0, 0, 1, 250, 8_571, 8_572, 29_999, 30_000, 60_000, 3_600_000]),
            "who": st.sampled_from(["a", "b"]),
            "per_minute": st.sampled_from(PER_MINUTE),
            "quota": st.sampled_from(QUOTAS),
            "soft": st.booleans(),
            "span": st.sampled_from(["month", "day"]),
            "category": st.sampled_from(["runs", "ping"]),
            "free": st.sampled_from([False, False, True]),
            "take_back": st.integers(0, 12),
        }
    ),
    min_size=1,
    max_size=25,
)
numbers = itertools.count(1)


def told(verdict: Verdict) -> tuple[object, ...]:
    """All that does not name where it was counted."""
    return (
        verdict.refusal,
        verdict.remaining,
        round(verdict.full_in, 5),
        round(verdict.retry_in, 4),
        verdict.used,
        verdict.period if verdict.receipt or verdict.refusal == "quota" else None,
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from([NOON, datetime(2026, 11, 30, 23, 59, 1, tzinfo=UTC)]), steps=steps)
def test_both_gates_say_the_same_of_the_same_calls(realm, owner, start, steps):
    sides = [SimpleNamespace(gate=gate, verdicts=[]) for gate in (DatabaseGate(), RedisGate(client(), microseconds))]
    for side in sides:
        number = next(numbers)
        side.organization = Organization.objects.create(realm=realm, name="Any", slug=f"any-{number}", created_by=owner)
        side.prefix = f"property:{number}:"
    with time_machine.travel(start, tick=False) as traveller:
        for step in steps:
            traveller.shift(step["wait"] / 1000)
            for side in sides:
                allowed = limits(step["per_minute"], step["quota"], soft=step["soft"], span=step["span"])
                call = call_of(
                    side.organization,
                    allowed,
                    subject=side.prefix + step["who"],
                    category=step["category"],
                    free=step["free"],
                )
                side.verdicts.append((call, side.gate.admit(call)))
                if step["take_back"] < len(side.verdicts):
                    side.gate.take_back(*side.verdicts[step["take_back"]])
            one, other = (side.verdicts[-1][1] for side in sides)
            assert told(one) == told(other)
        for period in {verdict.period for side in sides for _call, verdict in side.verdicts}:
            one, other = (side.gate.counted(side.organization.pk, period) for side in sides)
            assert one == other
    one, other = ([(event.value, event.category) for event in events(side.organization)] for side in sides)
    assert sorted(one) == sorted(other)
