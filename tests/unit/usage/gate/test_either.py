"""Redis, and while it is away the database: the same limits, and nothing lost or doubled between the two."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from redis.exceptions import RedisError

from apps.core import versions
from apps.core.clock import now
from apps.core.errors import ForbiddenError
from apps.core.models import StruckVersion
from apps.core.outage import REDIS
from apps.usage.gate import counter, either, redis_gate
from apps.usage.gate.database_gate import DatabaseGate
from apps.usage.gate.either import EitherGate, catch_up
from apps.usage.gate.port import StaleError
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.models import StaleCounter, UsageTotal
from apps.usage.periods import month_of
from apps.usage.services.draining import drain
from tests.common.gates import call_of, client, events, forget_everything, limits, redis_away

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate():
    return EitherGate()


@pytest.fixture
def redis():
    return client()


def admit(gate, call):
    return gate.ask(lambda port: port.admit(call))


def kind(gate):
    return gate.ask(type)


def value_of_all(organization):
    return sum(event.value for event in events(organization))


def test_the_database_where_there_is_no_redis(gate, settings, organization):
    settings.REDIS_URL = ""
    assert kind(gate) is DatabaseGate
    assert not admit(gate, call_of(organization)).in_redis
    assert not StaleCounter.objects.unscoped().exists(), "no counter lags behind that nobody keeps"


def test_redis_where_there_is_one(gate, redis, organization):
    assert kind(gate) is RedisGate
    assert admit(gate, call_of(organization)).in_redis


def test_away_the_same_limits_hold(gate, redis, organization):
    with redis_away():
        verdicts = [admit(gate, call_of(organization, limits(quota=2))) for _number in range(3)]
        assert [verdict.refusal for verdict in verdicts] == ["", "", "quota"]
        verdicts = [admit(gate, call_of(organization, limits(1), subject="slow")) for _number in range(2)]
        assert [verdict.refusal for verdict in verdicts] == ["", "minute"]


def test_away_one_caller_waits_for_it_and_the_others_do_not(gate, monkeypatch, organization):
    asked = Mock(side_effect=OSError)
    monkeypatch.setattr(either, "redis_client", SimpleNamespace)
    monkeypatch.setattr(either, "RedisGate", lambda _client: SimpleNamespace(admit=asked))
    try:
        for _number in range(5):
            admit(gate, call_of(organization))
    finally:
        REDIS.ended()
    assert asked.call_count == 1


def test_what_the_work_refuses_is_no_outage(gate, redis):
    for refusal in (StaleError, ForbiddenError):
        asked = Mock(side_effect=refusal)
        with pytest.raises(refusal):
            gate.ask(asked)
        assert asked.call_count == 1
        assert kind(gate) is RedisGate


def test_nothing_is_lost_or_doubled_between_the_two(gate, redis, organization):
    call = call_of(organization, limits(quota=10))
    for _number in range(3):
        admit(gate, call)
    drain()
    with redis_away():
        passed = [admit(gate, call) for _number in range(4)]
        assert [verdict.used for verdict in passed] == [4, 5, 6, 7], "the database knows what was drained"
    verdicts = [admit(gate, call) for _number in range(4)]
    assert [(verdict.refusal, verdict.used) for verdict in verdicts] == [("", 8), ("", 9), ("", 10), ("quota", 10)]
    assert verdicts[0].in_redis
    assert value_of_all(organization) == 10
    assert gate.counted(organization.pk, month_of(now())).by_category == {"runs": 10}


def test_what_was_on_its_way_when_redis_went_arrives_once(gate, redis, organization):
    call = call_of(organization, limits(quota=10))
    for _number in range(3):
        admit(gate, call)
    with redis_away():
        assert admit(gate, call).used == 1, "the bound: what the database does not know yet"
    assert admit(gate, call).used == 5
    assert value_of_all(organization) == 5


def test_a_redis_that_comes_back_empty(gate, redis, organization):
    call = call_of(organization, limits(quota=10))
    for _number in range(3):
        admit(gate, call)
    drain()
    admit(gate, call)  # lost
    with redis_away():
        admit(gate, call)
    forget_everything()
    assert admit(gate, call).used == 5
    assert value_of_all(organization) == 5


def test_counters_begin_anew_once_and_with_a_call_of_their_own(gate, redis, organization, monkeypatch):
    call = call_of(organization)
    begun = Mock(wraps=counter.begin_counter)
    monkeypatch.setattr(redis_gate, "begin_counter", begun)
    with redis_away():
        for _number in range(3):
            admit(gate, call)
        assert StaleCounter.objects.for_organization(organization).get().noted == 3
    for _number in range(2):
        catch_up()
    assert begun.call_count == 0
    for _number in range(2):
        admit(gate, call)
    assert begun.call_count == 1
    assert not StaleCounter.objects.unscoped().exists()
    assert gate.counted(organization.pk, month_of(now())).calls == 5


def test_what_is_noted_meanwhile_is_looked_at_again(gate, redis, organization, monkeypatch):
    delete = redis.delete

    def delete_slowly(*keys):
        delete(*keys)
        RedisGate(redis).admit(call_of(organization))
        DatabaseGate().admit(call_of(organization))  # another process has not heard yet that Redis is back

    with redis_away():
        admit(gate, call_of(organization))
    monkeypatch.setattr(redis, "delete", delete_slowly)
    assert counter.forget_stale() == 0
    monkeypatch.setattr(redis, "delete", delete)
    assert counter.forget_stale() == 1
    assert gate.counted(organization.pk, month_of(now())).calls == 3


def test_many_stale_counters_are_forgotten_in_few_steps(redis, organization, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(counter, "BATCH", 3)
    for month in range(1, 8):
        StaleCounter.objects.create(organization=organization, period=f"2026-{month:02}")
    with django_assert_num_queries(7):  # a look and a deletion for each batch, and a last look
        assert counter.forget_stale() == 7


def test_credentials_that_changed_meanwhile_are_struck_before_anything_is_asked(gate, redis, organization):
    [word] = versions.look(["key:x"])
    with redis_away():
        admit(gate, call_of(organization))
        StruckVersion.objects.create(name="key:x")
    with pytest.raises(StaleError):
        gate.ask(lambda port: port.admit(call_of(organization), [("key:x", word)]))


def test_a_redis_that_stands_still_is_told_nothing_that_counts(gate, redis, organization, monkeypatch):
    with redis_away():
        admit(gate, call_of(organization))
    stuck = Mock(**{"ping.side_effect": RedisError("timed out")})
    monkeypatch.setattr(either, "redis_client", lambda: stuck)
    assert not admit(gate, call_of(organization)).in_redis
    REDIS.ended()
    assert [name for name, _arguments, _named in stuck.mock_calls] == ["ping"]


def test_counted_in_redis_and_taken_back_while_it_is_away(gate, redis, organization):
    call = call_of(organization)
    verdict = admit(gate, call)
    with redis_away():
        for _number in range(2):
            gate.take_back(call, verdict)
    assert StaleCounter.objects.for_organization(organization).exists()
    assert gate.counted(organization.pk, month_of(now())).calls == 0
    assert [event.value for event in sorted(events(organization), key=lambda event: event.value)] == [-1, 1]


def test_counted_by_the_database_and_taken_back_when_redis_is_there(gate, redis, organization):
    call = call_of(organization)
    with redis_away():
        verdict = admit(gate, call)
    for _number in range(2):
        gate.take_back(call, verdict)
    catch_up()
    assert gate.counted(organization.pk, month_of(now())).calls == 0
    assert UsageTotal.objects.for_organization(organization).get(category="").total == 0


def test_forgotten_by_redis_the_month_is_counted_on_from_the_database(gate, redis, organization):
    call = call_of(organization, limits(quota=3))
    for _number in range(2):
        admit(gate, call)
    drain()
    forget_everything()
    assert [(verdict.refusal, verdict.used) for verdict in (admit(gate, call), admit(gate, call))] == [
        ("", 3),
        ("quota", 3),
    ]
