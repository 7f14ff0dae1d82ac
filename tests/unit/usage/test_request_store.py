"""The log's way into the database: nothing lost, nothing twice, nothing readable on the way, nothing in the way."""

import time

import pytest
from django.db import OperationalError
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.redis_client import redis_client, redis_key
from apps.usage import request_store
from apps.usage.models import NOBODY, ApiRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def redis():
    client = redis_client()
    if client is None:
        pytest.skip("there is no Redis")
    return client


def entry(organization, **fields):
    about = {
        "id": new_id().hex,
        "organization_id": organization.pk.hex,
        "user_id": NOBODY.hex,
        "key_id": NOBODY.hex,
        "request_id": "looked-up-later",
        "method": "POST",
        "path": "/api/v1/runs",
        "category": "runs",
        "status": 503,
        "milliseconds": 12,
        "address": "127.0.0.1",
        "body": '{"who": "somebody@example.com"}',
        "left_out": "",
        "at": now().timestamp(),
    }
    return about | fields


def pushed(*entries):
    batch = request_store.Batch()
    for one in entries:
        batch.add(one)
    assert request_store.push(batch)


def paths(organization):
    return list(ApiRequest.objects.for_organization(organization).order_by("path").values_list("path", flat=True))


def away(_rows):
    raise OperationalError("away")


def events(logs):
    return [one["event"] for one in logs]


def test_an_entry_becomes_a_row(organization):
    made = entry(organization)
    assert request_store.store([made]) == 1
    row = ApiRequest.objects.for_organization(organization).get()
    assert (row.pk.hex, row.status, row.outcome, row.body) == (made["id"], 503, "failed", made["body"])


def test_twice_is_once(organization):
    made = entry(organization)
    request_store.store([made])
    request_store.store([made, entry(organization, path="/api/v1/me")])
    assert paths(organization) == ["/api/v1/me", "/api/v1/runs"]


def test_a_bad_entry_stops_no_other(organization):
    gone, odd = entry(organization, organization_id="f" * 32), entry(organization, path="/odd", milliseconds=-1)
    old, text = entry(organization, path="/old", name_of_before=1), entry(organization, path="/text", id="nonsense")
    with capture_logs() as logs:
        request_store.store([gone, odd, old, text, entry(organization)])
    assert paths(organization) == ["/api/v1/runs"]
    assert set(events(logs)) == {"request_log_bad_entry"}
    assert "somebody@example.com" not in str(logs)


@pytest.mark.django_db(transaction=True)
def test_an_organization_that_goes_while_it_is_stored_takes_no_other_along(organization, outsider, monkeypatch):
    class Deleted:
        """Was there when it was looked for."""

        def filter(self, **_about):
            return self

        def values_list(self, *_names, **_how):
            return [organization.pk, gone]

    gone = new_id()
    monkeypatch.setattr(request_store.Organization, "objects", Deleted())
    with capture_logs():
        request_store.store([entry(organization, organization_id=gone.hex), entry(organization)])
    monkeypatch.undo()
    assert paths(organization) == ["/api/v1/runs"]


def test_a_worker_stores_what_redis_carries(redis, organization):
    pushed(entry(organization), entry(organization))
    pushed(entry(organization))
    assert paths(organization) == []
    assert request_store.store_waiting() == 3
    assert request_store.store_waiting() == 0
    assert paths(organization) == ["/api/v1/runs"] * 3


def test_nobody_reads_it_in_redis(redis, organization):
    pushed(entry(organization))
    lying_there = str(redis.xrange(redis_key(request_store.QUEUE)))
    for word in ("somebody", "example.com", "127.0.0.1", "/api/v1", organization.pk.hex):
        assert word not in lying_there, word


def test_it_is_taken_away_after_it_is_stored(redis, organization, monkeypatch):
    def killed(*_names):
        raise RedisError("killed")

    pushed(entry(organization))
    with monkeypatch.context() as context:
        context.setattr(redis, "xdel", killed)
        with pytest.raises(RedisError):
            request_store.store_waiting()
    assert paths(organization) == ["/api/v1/runs"]
    request_store.store_waiting()
    assert paths(organization) == ["/api/v1/runs"], "stored again it is the same"


def test_it_waits_for_a_database_that_is_away(redis, organization, monkeypatch):
    pushed(entry(organization))
    with monkeypatch.context() as context, capture_logs() as logs:
        context.setattr(request_store, "_insert", away)
        assert request_store.store_waiting() == 0
    assert events(logs) == ["request_log_not_stored"]
    assert request_store.store_waiting() == 1


def test_what_the_database_never_takes_is_given_up(redis, organization, monkeypatch):
    batch = request_store.Batch()
    batch.add(entry(organization))
    long_ago = int((time.time() - request_store.TRIED_FOR_SECONDS - 60) * 1000)
    redis.xadd(redis_key(request_store.QUEUE), {"batch": batch.sealed()}, id=f"{long_ago}-0")
    with monkeypatch.context() as context, capture_logs():
        context.setattr(request_store, "_insert", away)
        request_store.store_waiting()
    pushed(entry(organization, path="/api/v1/me"))
    assert request_store.store_waiting() == 1
    assert paths(organization) == ["/api/v1/me"]


@pytest.mark.parametrize("fields", [{"batch": "no token"}, {"batch": "é"}, {"another": "thing"}])
def test_what_cannot_be_read_is_not_in_the_way(redis, organization, fields):
    redis.xadd(redis_key(request_store.QUEUE), fields)
    pushed(entry(organization))
    with capture_logs() as logs:
        assert request_store.store_waiting() == 1
    assert events(logs) == ["request_log_unreadable"]


def test_what_nobody_takes_is_cut_and_told(redis, organization, monkeypatch):
    monkeypatch.setattr(request_store, "BATCHES_MOST", 2)
    with capture_logs() as logs:
        for number in range(4):
            pushed(entry(organization, path=f"/{number}"))
    assert events(logs) == ["request_log_too_long"] * 2
    request_store.store_waiting()
    assert paths(organization) == ["/2", "/3"], "the newest are kept"


def test_what_travels_together_stays_small(organization):
    batch, longest = request_store.Batch(), entry(organization, body="\x01" * 8_000)
    while not batch.is_full:
        batch.add(longest)
    assert len(batch.sealed()) < 256_000
    batch = request_store.Batch()
    while not batch.is_full:
        batch.add({})
    assert len(batch.entries) == request_store.BATCH
