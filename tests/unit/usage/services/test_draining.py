"""From Redis to the database: nothing lost, nothing twice, wherever the drainer is killed."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection, transaction
from redis.exceptions import RedisError

from apps.accounts.models import ApiKey
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.core.clock import now
from apps.core.ids import new_id
from apps.usage.gate.redis_gate import RedisGate
from apps.usage.gate.stream import stream_key
from apps.usage.models import StreamPosition, UsageEvent, UsageHourToSum, UsageTotal
from apps.usage.periods import hour_of, month_of
from apps.usage.services import draining
from apps.usage.services.draining import drain
from tests.common.gates import call_of, client, forget_everything, redis_away
from tests.common.roles import actor_of, make_organization
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


@pytest.fixture
def redis():
    return client()


@pytest.fixture
def gate(redis):
    return RedisGate(redis)


def count(gate, organization, calls=1, **fields):
    return [gate.admit(call_of(organization, **fields)) for _number in range(calls)]


def stored(organization):
    return UsageEvent.objects.for_organization(organization).count()


def total(organization):
    return UsageTotal.objects.for_organization(organization).get(category="").total


def kill_at(monkeypatch, what, name):
    def killed(*_arguments, **_named):
        raise Killed

    monkeypatch.setattr(what, name, killed)
    with pytest.raises(Killed):
        drain()
    monkeypatch.undo()


def test_nothing_without_redis(settings):
    settings.REDIS_URL = ""
    assert drain() == 0


def test_an_event_arrives_whole(gate, redis, organization):
    user, key = new_id(), new_id()
    [verdict] = count(gate, organization, category="ping", user_id=user, key_id=key, request_id="a|b|c")
    assert drain() == 1
    event = UsageEvent.objects.for_organization(organization).get()
    assert (event.meter, event.category, event.value, event.corrects) == ("api_calls", "ping", 1, "")
    assert (event.user_id, event.key_id, event.request_id) == (user, key, "a|b|c")
    assert abs(event.at - now()) < timedelta(seconds=30)
    assert event.hour == hour_of(event.at)
    assert (event.source, event.source_id) == (f"redis:{StreamPosition.objects.get().incarnation}", verdict.receipt)
    period = month_of(now()).name
    totals = UsageTotal.objects.for_organization(organization).values_list("period", "category", "total")
    assert set(totals) == {(period, "", 1), (period, "ping", 1)}
    assert UsageHourToSum.objects.for_organization(organization).get().hour == event.hour
    assert redis.xlen(stream_key()) == 0
    assert drain() == 0
    assert stored(organization) == 1


def test_many_arrive_in_batches(gate, redis, organization, monkeypatch):
    monkeypatch.setattr(draining, "BATCH", 2)
    count(gate, organization, 5)
    before = redis.xlen(stream_key())
    assert before == 5
    assert drain() == 5
    assert (stored(organization), total(organization), redis.xlen(stream_key())) == (5, 5, 0)


def test_killed_between_the_commit_and_the_cut(gate, redis, organization, monkeypatch):
    count(gate, organization, 3)
    kill_at(monkeypatch, type(redis), "xtrim")
    assert (stored(organization), redis.xlen(stream_key())) == (3, 3)
    count(gate, organization, 2)
    assert drain() == 2
    assert (stored(organization), total(organization), redis.xlen(stream_key())) == (5, 5, 0)


def test_what_is_passed_over_is_cut_the_next_time_also_where_nothing_is_new(gate, redis, organization, monkeypatch):
    count(gate, organization, 3)
    kill_at(monkeypatch, type(redis), "xtrim")
    assert drain() == 0
    assert (stored(organization), redis.xlen(stream_key())) == (3, 0)


@pytest.mark.parametrize("moment", ["record_events", "_store"])
def test_killed_before_the_commit(gate, redis, organization, monkeypatch, moment):
    count(gate, organization, 3)
    kill_at(monkeypatch, draining, moment)
    assert (stored(organization), redis.xlen(stream_key())) == (0, 3)
    assert drain() == 3
    assert (stored(organization), total(organization)) == (3, 3)


def test_killed_just_before_the_position_is_written(gate, redis, organization, monkeypatch):
    count(gate, organization, 3)
    kill_at(monkeypatch, StreamPosition, "save")
    assert drain() == 3
    assert (stored(organization), total(organization)) == (3, 3)


def test_another_redis_begins_another_stream(gate, redis, organization):
    count(gate, organization, 2)
    drain()
    first = StreamPosition.objects.get()
    forget_everything()
    count(gate, organization, 1)
    # A younger server whose clock is behind: it may even give the same ids.
    text = redis.xrange(stream_key())[0][1]["e"]
    redis.delete(stream_key())
    redis.xadd(stream_key(), {"e": text}, id=first.entry)
    assert drain() == 1
    assert StreamPosition.objects.get().incarnation != first.incarnation
    assert (stored(organization), total(organization)) == (3, 3)


def test_an_organization_that_was_deleted_meanwhile(gate, organization, owner):
    other = make_organization(owner, "Other")
    count(gate, organization, 2)
    count(gate, other, 3)
    other.delete()
    assert drain() == 5
    assert (stored(organization), UsageEvent.objects.unscoped().count()) == (2, 2)


def test_when_keys_were_used_last(gate, owner, organization):
    key = api_keys.create_key(actor_of(owner, organization), organization, "live", Terms("Server")).key
    count(gate, organization, 2, key_id=key.pk)
    drain()
    noted = ApiKey.objects.for_organization(organization).get().last_used_at
    assert noted == UsageEvent.objects.for_organization(organization).order_by("-at")[0].at


def test_away_it_says_so(redis):
    with redis_away(), pytest.raises((RedisError, OSError)):
        drain()


@pytest.mark.django_db(transaction=True)
def test_never_within_a_transaction_of_others(redis):
    """Rolled back by them, the events would be gone from the stream as well."""
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        drain()


@pytest.mark.django_db(transaction=True)
def test_a_tick_leaves_it_to_whoever_is_at_it(gate, organization):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    count(gate, organization, 2)
    with transaction.atomic():
        draining.locked_position(client())
        assert run_in_threads(lambda: drain(wait=False)) == [0]
    assert drain(wait=False) == 2


@pytest.mark.django_db(transaction=True)
def test_several_at_once_while_calls_go_on(gate, redis, organization, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("the in-memory database of SQLite has one connection")
    monkeypatch.setattr(draining, "BATCH", 7)
    count(gate, organization, 1)

    def call():
        return [verdict.receipt for verdict in count(gate, organization, 60)]

    def drain_on():
        return [drain() for _number in range(25)]

    run_in_threads(call, call, drain_on, drain_on, drain_on)
    drain()
    receipts = Counter(UsageEvent.objects.for_organization(organization).values_list("source_id", flat=True))
    assert len(receipts) == 121
    assert set(receipts.values()) == {1}
    assert total(organization) == gate.counted(organization.pk, month_of(now())).calls == 121
