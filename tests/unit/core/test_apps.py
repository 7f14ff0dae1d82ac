"""What Django does around each request, and what of it is left out."""

import pytest
from django.core.cache import caches
from django.core.signals import request_finished, request_started
from django.db import connection


def receivers(signal):
    return {receiver().__name__ for _key, receiver, *_more in signal.receivers if receiver() is not None}


def test_a_request_begins_with_nothing_and_ends_with_a_look_at_its_connections():
    assert "reset_queries" not in receivers(request_started)
    assert "close_caches" not in receivers(request_finished)
    assert "close_old_connections" in receivers(request_finished)


def test_no_cache_of_ours_has_anything_to_close():
    assert {type(cache).close.__qualname__ for cache in caches.all(initialized_only=True)} <= {"BaseCache.close"}


@pytest.mark.django_db
def test_after_a_request_a_connection_is_looked_at_before_it_is_used_again():
    connection.ensure_connection()
    connection.health_check_done = True
    connection.close_if_unusable_or_obsolete()
    assert not connection.health_check_done
