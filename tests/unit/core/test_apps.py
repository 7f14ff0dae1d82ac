"""What Django does around each request, and what of it is left out."""

import pytest
from django.core.cache import close_caches
from django.core.cache.backends.base import BaseCache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries

from apps.core.apps import spare_each_request
from apps.core.cache import AtomicDatabaseCache, RedisOrDatabaseCache


@pytest.fixture
def receivers():
    """Makes it as Django has it, and tells the receivers of a signal after the app's start."""
    request_started.connect(reset_queries)
    request_finished.connect(close_caches)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    spare_each_request()
    return lambda signal: {receiver().__name__ for _key, receiver, *_more in signal.receivers if receiver()}


def test_neither_queries_nor_caches_are_looked_after(receivers):
    assert "reset_queries" not in receivers(request_started)
    assert "close_caches" not in receivers(request_finished)


def test_connections_are(receivers):
    """Also before a request: after an error Django believes a connection that works, until it looks again."""
    assert "close_old_connections" in receivers(request_started) & receivers(request_finished)


def test_while_debugging_queries_are_forgotten_before_each_request(settings, receivers):
    settings.DEBUG = True
    request_started.connect(reset_queries)
    spare_each_request()
    assert "reset_queries" in receivers(request_started)


@pytest.mark.parametrize("cache", [AtomicDatabaseCache, RedisOrDatabaseCache])
def test_no_cache_of_ours_has_anything_to_close(cache):
    assert cache.close is BaseCache.close
