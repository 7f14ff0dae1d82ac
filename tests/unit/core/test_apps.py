"""What Django does around each request, and what of it is left out."""

import pytest
from django.core.cache import close_caches
from django.core.cache.backends.base import BaseCache
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, reset_queries

from apps.core.apps import spare_each_request
from apps.core.cache import AtomicDatabaseCache, RedisOrDatabaseCache


@pytest.fixture
def receivers():
    """Makes it as Django has it, and tells the receivers of a signal after the app's start."""
    request_started.connect(reset_queries)
    request_started.connect(close_old_connections)
    request_finished.connect(close_caches)
    spare_each_request()
    return lambda signal: {receiver().__name__ for _key, receiver, *_more in signal.receivers if receiver()}


def test_a_request_begins_with_nothing_and_ends_with_a_look_at_its_connections(receivers):
    assert not receivers(request_started) & {"reset_queries", "close_old_connections"}
    assert receivers(request_finished) & {"close_caches", "close_old_connections"} == {"close_old_connections"}


def test_while_debugging_queries_are_forgotten_before_each_request(settings, receivers):
    settings.DEBUG = True
    request_started.connect(reset_queries)
    spare_each_request()
    assert "reset_queries" in receivers(request_started)


@pytest.mark.parametrize("cache", [AtomicDatabaseCache, RedisOrDatabaseCache])
def test_no_cache_of_ours_has_anything_to_close(cache):
    assert cache.close is BaseCache.close


@pytest.mark.django_db
def test_after_a_request_a_connection_is_looked_at_before_it_is_used_again():
    connection.ensure_connection()
    connection.health_check_done = True
    connection.close_if_unusable_or_obsolete()
    assert not connection.health_check_done
