"""What is remembered of rows holds exactly as long as the rows say so: struck before and after the commit."""

import pytest
from django.db import transaction
from redis.exceptions import RedisError

from apps.core import versions
from apps.core.models import StruckVersion
from apps.core.outage import REDIS
from apps.core.redis_client import redis_client
from tests.common.gates import client, redis_away

pytestmark = pytest.mark.django_db(transaction=True)
NAME = "key:one"


@pytest.fixture
def redis():
    return client()


def word(name=NAME):
    [found] = versions.look([name])
    return found


def forget_the_blocking():
    """As if the half minute after a strike were over."""
    redis_client().delete(versions.version_key(NAME))


def test_without_redis_nothing_may_be_remembered(settings):
    settings.REDIS_URL = ""
    assert versions.look(["a", "b"]) == [versions.BLOCKED] * 2
    versions.changed("a")  # outside of a transaction, too: there is nothing to strike
    assert versions.strike_noted() == 0
    assert not StruckVersion.objects.exists()


def test_a_version_stays_as_long_as_nothing_changes(redis):
    first = versions.look(["a", "b"])
    assert versions.BLOCKED not in first
    assert len(set(first)) == 2
    assert versions.look(["b", "a"]) == first[::-1]
    assert 0 < redis.ttl(versions.version_key("a")) <= versions.KEPT_SECONDS


def test_it_is_struck_before_the_commit_and_after_it(redis):
    before = word()
    with transaction.atomic():
        versions.changed(NAME, "key:two")
        assert word() == word("key:two") == versions.BLOCKED
        assert 0 < redis.ttl(versions.version_key(NAME)) <= versions.BLOCKED_SECONDS
        forget_the_blocking()  # a transaction that takes too long, and somebody who looks meanwhile
        between = word()
        assert between not in (before, versions.BLOCKED)
    assert word() == versions.BLOCKED, "what was remembered just before the commit holds no more"
    forget_the_blocking()
    assert word() not in (before, between, versions.BLOCKED)


def test_of_what_is_rolled_back_only_the_first_strike_stays(redis):
    def change_and_fail():
        with transaction.atomic():
            versions.changed(NAME)
            forget_the_blocking()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    kept = word()
    assert kept != versions.BLOCKED
    assert word() == kept


def test_a_change_belongs_into_a_transaction(redis):
    with pytest.raises(RuntimeError, match="transaction"):
        versions.changed(NAME)
    versions.changed()  # nothing changes


def test_a_word_that_redis_read_from_its_file_is_made_anew(redis):
    """The file lacks the last second, and with it perhaps a strike."""
    life = redis.info("server")["run_id"]
    assert word().startswith(life)
    redis.set(versions.version_key(NAME), "0" * len(life) + "read from the file")
    assert word().startswith(life)
    redis.set(versions.version_key(NAME), versions.BLOCKED)
    assert word() == versions.BLOCKED


def test_while_redis_is_away_rows_remember_the_strikes(redis):
    before = word()
    with redis_away():
        with transaction.atomic():
            versions.changed(NAME)
            assert StruckVersion.objects.filter(name=NAME).count() == 1, "a writer that is killed after the commit"
        assert StruckVersion.objects.filter(name=NAME).count() == 2
        with pytest.raises((RedisError, OSError)):
            versions.strike_noted()
        assert StruckVersion.objects.count() == 2
    assert word() == before
    assert versions.strike_noted() == 2
    assert word() == versions.BLOCKED
    assert versions.strike_noted() == 0


def test_a_rolled_back_change_is_not_noted(redis):
    def change_and_fail():
        with transaction.atomic():
            versions.changed(NAME)
            raise ZeroDivisionError

    with redis_away(), pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert not StruckVersion.objects.exists()


def test_a_redis_that_returns_before_the_commit_is_struck_after_it(redis):
    before = word()
    with transaction.atomic():
        with redis_away():
            versions.changed(NAME)
        assert word() == before
    assert word() == versions.BLOCKED


def test_whoever_knows_that_redis_is_away_does_not_wait_for_it(redis, monkeypatch):
    monkeypatch.setattr(versions, "_strike", lambda _names: pytest.fail("waited"))
    REDIS.began(OSError("refused"))
    try:
        with transaction.atomic():
            versions.changed(NAME)
    finally:
        REDIS.ended()
    assert StruckVersion.objects.count() == 2


def test_many_notes_are_struck_in_batches(redis, monkeypatch):
    monkeypatch.setattr(versions, "BATCH", 2)
    StruckVersion.objects.bulk_create(StruckVersion(name=f"key:{number}") for number in range(5))
    assert versions.strike_noted() == 5
    assert versions.look([f"key:{number}" for number in range(5)]) == [versions.BLOCKED] * 5


def test_what_is_noted_while_others_are_struck_stays(redis, monkeypatch):
    strike = versions._strike

    def strike_late(names):
        strike(names)
        if "key:late" not in names:
            StruckVersion.objects.create(name="key:late")

    monkeypatch.setattr(versions, "_strike", strike_late)
    StruckVersion.objects.create(name=NAME)
    assert versions.strike_noted() == 2
    assert word("key:late") == versions.BLOCKED
