"""What all tests share: our own Celery application with a queue in memory, and nothing left over between tests."""

from collections.abc import Iterator

import pytest
from django.conf import settings

from levqor.celery import app as celery_app
from tests.common.caching import forget_cache

pytest_plugins = ["tests.common.roles", "tests.common.staff", "tests.common.shopping"]

celery_app.set_default()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """A cache in Redis is not rolled back with the database: remove this worker's keys, and only those."""
    yield
    if settings.ENV.REDIS_URL:
        forget_cache()
