"""Ticks: what needs Redis waits for it in silence."""

from unittest.mock import Mock

import pytest

from apps.core.outage import REDIS
from apps.usage import tasks
from tests.common.gates import client, redis_away

TICKS = [("drain", tasks.drain_usage), ("catch_up", tasks.catch_up_usage)]


@pytest.fixture(autouse=True)
def _known_as_there():
    yield
    REDIS.ended()


@pytest.mark.parametrize(("work", "tick"), TICKS)
def test_with_redis_it_works(monkeypatch, work, tick):
    client()
    done = Mock()
    monkeypatch.setattr(tasks, work, done)
    tick()
    assert done.call_count == 1


@pytest.mark.parametrize(("work", "tick"), TICKS)
def test_without_redis_there_is_nothing_to_do(settings, monkeypatch, work, tick):
    settings.REDIS_URL = ""
    monkeypatch.setattr(tasks, work, Mock(side_effect=AssertionError))
    tick()


@pytest.mark.parametrize(("work", "tick"), TICKS)
def test_away_it_is_asked_once_and_then_left_alone(monkeypatch, work, tick):
    asked = Mock(side_effect=OSError("refused"))
    monkeypatch.setattr(tasks, work, asked)
    with redis_away():
        tick()
        tick()
    assert asked.call_count == 1


def test_other_errors_are_told(monkeypatch):
    monkeypatch.setattr(tasks, "drain", Mock(side_effect=ZeroDivisionError))
    with redis_away(), pytest.raises(ZeroDivisionError):
        tasks.drain_usage()


def test_alerts_need_no_redis(settings, monkeypatch):
    settings.REDIS_URL = ""
    alert = Mock()
    monkeypatch.setattr(tasks, "alert_quotas", alert)
    tasks.alert_about_quotas()
    assert alert.call_count == 1
