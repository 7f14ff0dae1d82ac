"""What all tests share: our own Celery application with a queue in memory, and nothing left over between tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.core.cache import cache

from levqor.celery import app as celery_app

pytest_plugins = ["tests.common.roles", "tests.common.staff"]

celery_app.set_default()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """A cache in Redis is not rolled back with the database: remove this worker's keys, and only those."""
    yield
    if not settings.ENV.REDIS_URL:
        return
    client = cache._cache.get_client(write=True)  # type: ignore[attr-defined] # Django has no public way to list keys
    for key in client.scan_iter(match=f"{settings.CACHES['default']['KEY_PREFIX']}:*", count=1000):
        client.delete(key)
