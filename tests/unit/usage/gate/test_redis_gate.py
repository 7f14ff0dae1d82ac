"""What only the gate in Redis does: compare versions, begin counters, outlive a restart of the server."""

from unittest.mock import Mock

import pytest

from apps.core import redis_scripts, versions
from apps.core.clock import now
from apps.usage.gate import counter
from apps.usage.gate.counter import KEPT_AFTER, begin_counter, counter_key
from apps.usage.gate.port import StaleError
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.models import UsageEvent
from apps.usage.periods import day_of, month_of
from apps.usage.services import draining
from apps.usage.services.draining import drain
from tests.common.gates import call_of, client, events, limits, record
from tests.common.roles import make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis():
    return client()


@pytest.fixture
def gate(redis):
    return RedisGate(redis)


@pytest.fixture
def month():
    return month_of(now())


def words(*names):
    return list(zip(map(versions.version_key, names), versions.look(names), strict=True))


def used(gate, organization, month):
    return gate.counted(organization.pk, month).calls


def test_a_call_with_the_present_versions_passes(gate, organization):
    assert gate.admit(call_of(organization), words("a", "b")).refusal == ""


@pytest.mark.parametrize("changed", [0, 1])
def test_a_changed_version_stops_a_call_and_counts_nothing(gate, redis, organization, month, changed):
    known = words("a", "b")
    redis.delete(known[changed][0])
    with pytest.raises(StaleError):
        gate.admit(call_of(organization, limits(1)), known)
    assert used(gate, organization, month) == 0
    assert gate.admit(call_of(organization, limits(1))).refusal == "", "its bucket is as full as before"


def test_a_version_of_an_earlier_life_of_the_server_holds_no_more(gate, redis, organization):
    word = "0" * 40 + "read from the file"
    redis.set(versions.version_key("a"), word)
    with pytest.raises(StaleError):
        gate.admit(call_of(organization), [(versions.version_key("a"), word)])


def test_a_warm_call_is_one_command(gate, redis, organization, monkeypatch, django_assert_num_queries):
    known = words("a", "b", "c")
    gate.admit(call_of(organization), known)
    sent = []
    pack = redis_scripts.hiredis.pack_command
    monkeypatch.setattr(
        redis_scripts, "hiredis", Mock(pack_command=lambda command: sent.append(command[0]) or pack(command))
    )
    with django_assert_num_queries(0):
        gate.admit(call_of(organization), known)
    assert sent == ["EVALSHA"]


def test_a_counter_begins_with_what_the_database_has_and_what_is_on_its_way(gate, redis, organization, owner, month):
    other = make_organization(owner, "Other")
    for category in ("runs", "runs", "ping"):
        gate.admit(call_of(organization, category=category))
    gate.admit(call_of(organization, limits(span="day")))
    gate.admit(call_of(other))
    drain()
    taken = gate.admit(call_of(organization))
    gate.admit(call_of(organization, category="ping"))
    gate.take_back(call_of(organization), taken)
    begun = gate.counted(organization.pk, month)
    redis.delete(counter_key(organization.pk, month))
    assert gate.counted(organization.pk, month) == begun
    assert begun.by_category == {"runs": 2, "ping": 2}
    assert used(gate, organization, day_of(now())) == 1
    assert used(gate, other, month) == 1


def test_it_adds_what_was_not_drained_before(gate, redis, organization, month, monkeypatch):
    """Between its drain and its look somebody may call: the event is in the stream, and counted from there."""
    read_on = draining.read_on

    def read_and_be_called(*arguments):
        count = read_on(*arguments)
        gate.admit(call_of(organization, category="late"))
        return count

    gate.admit(call_of(organization))
    monkeypatch.setattr(counter, "MOST_LOOKED_AT", 0)
    monkeypatch.setattr(draining, "read_on", read_and_be_called)
    begin_counter(organization.pk, month)
    assert gate.counted(organization.pk, month).by_category == {"runs": 1, "late": 1}
    monkeypatch.undo()
    assert len(events(organization)) == 2


def test_it_adds_what_waits_without_storing_it(gate, redis, organization, month):
    for category in ("runs", "late", "late"):
        gate.admit(call_of(organization, category=category))
    begin_counter(organization.pk, month)
    assert gate.counted(organization.pk, month).by_category == {"runs": 1, "late": 2}
    assert not UsageEvent.objects.unscoped().exists()


def test_what_the_database_has_is_not_added_again(gate, redis, organization, month, monkeypatch):
    """A drainer that was killed before its cut leaves in the stream what it has stored."""
    gate.admit(call_of(organization))
    monkeypatch.setattr(type(redis), "xtrim", lambda *_arguments, **_named: 0)
    begin_counter(organization.pk, month)
    assert used(gate, organization, month) == 1


def test_begun_twice_it_says_the_same(gate, organization, month):
    gate.admit(call_of(organization))
    for _time in range(2):
        begin_counter(organization.pk, month)
    assert used(gate, organization, month) == 1


def test_a_counter_of_an_earlier_life_of_the_server_is_begun_anew(gate, redis, organization, month):
    """Read from a file that lacks the last second, it is too low."""
    call = call_of(organization, limits(quota=3))
    for _number in range(3):
        gate.admit(call)
    drain()
    redis.hset(counter_key(organization.pk, month), mapping={"@": "earlier", "": "1", "runs": "1"})
    assert used(gate, organization, month) == 3
    redis.hset(counter_key(organization.pk, month), mapping={"@": "earlier", "": "1", "runs": "1"})
    assert gate.admit(call).refusal == "quota"


def test_a_counter_is_kept_beyond_its_period(gate, redis, organization, month):
    gate.admit(call_of(organization))
    left = redis.ttl(counter_key(organization.pk, month))
    assert left == pytest.approx((month.end - now() + KEPT_AFTER).total_seconds(), abs=5)


def test_taken_back_before_its_counter_was_forgotten(gate, redis, organization, month):
    call = call_of(organization)
    verdict = gate.admit(call)
    redis.delete(counter_key(organization.pk, month))
    gate.take_back(call, verdict)
    assert not redis.exists(counter_key(organization.pk, month)), "no counter begins at minus one"
    assert used(gate, organization, month) == 0


def test_other_meters_are_no_calls(gate, organization, month):
    record(organization, now(), meter="tokens", value=500)
    assert used(gate, organization, month) == 0
    assert gate.admit(call_of(organization)).used == 1
