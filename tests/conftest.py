"""What all tests share: our own Celery application with a queue in memory, and nothing left over between tests."""

import gc
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from apps.core.outage import REDIS
from apps.monitoring.status import summary
from apps.monitoring.status.summary import forget
from levqor.celery import app as celery_app
from tests.common.caching import forget_cache

pytest_plugins = [
    "tests.common.roles",
    "tests.common.staff",
    "tests.common.shopping",
    "tests.common.notion",
    "tests.common.report_files",
]

celery_app.set_default()

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_serialized_rollback", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    """See `pytest_collection_modifyitems`."""
    parser.addoption("--services", action="store_true", help="leave out what asks neither database nor Redis")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A second suite, on services, need not repeat what knows of none: no database by mark or fixture, no word of Redis
    in its file."""
    if not config.getoption("--services"):
        return
    chosen = [item for item in items if _asks_services(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_collection_finish() -> None:
    """Half a million objects of the suite itself stay to its end: garbage is not looked for among them."""
    gc.freeze()


def _asks_services(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
        return True
    return _speaks_of_services(item.path)


@cache
def _speaks_of_services(path: Path) -> bool:
    return bool(re.search(r"redis|postgres|django\.db", path.read_text(), re.IGNORECASE))


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """A cache in Redis is not rolled back with the database: remove this worker's keys, and only those."""
    yield
    if settings.ENV.REDIS_URL:
        forget_cache()


@pytest.fixture(autouse=True)
def _redis_is_back() -> Iterator[None]:
    """What one test made of Redis being away, the next would believe for three seconds."""
    yield
    REDIS.ended()


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """The status page is kept for when there is no database: not for the next test."""
    yield
    forget()
    summary.KEPT.file.unlink(missing_ok=True)


@pytest.fixture(autouse=True, scope="session")
def _quick_flush() -> Iterator[None]:
    """After each test that commits PostgreSQL would truncate some two hundred tables, and Django make rights and roles
    anew. Only tables that have rows are emptied here, as a replica does it: no trigger refuses, no key is looked up.
    What every release leaves (rights, staff roles) stays."""
    with pytest.MonkeyPatch.context() as patch:
        if connection.vendor == "postgresql":
            kept = {model._meta.db_table for model in (ContentType, Permission, Group, Group.permissions.through)}

            def flush(self: Any, style: Any, tables: list[str], **_options: Any) -> list[str]:
                looks = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in set(tables) - kept]
                with self.connection.cursor() as cursor:
                    cursor.execute(" UNION ALL ".join(looks))
                    filled = [table for (table,) in cursor.fetchall()]
                emptied = [f"DELETE FROM {table}" for table in sorted(filled)]
                return ["SET LOCAL session_replication_role = replica", *emptied] if emptied else []

            patch.setattr(type(connection.ops), "sql_flush", flush)
            patch.setattr("django.core.management.commands.flush.emit_post_migrate_signal", lambda *_, **__: None)
        yield
