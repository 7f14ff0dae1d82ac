"""Several threads, each with its own connection, on one real database: for tests of locks and races."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection, connections, models


def run_in_threads(*functions: Callable[[], Any], timeout: float = 60) -> list[Any]:
    """Run functions at the same time, started together. Returns their results; raises the first error."""
    results: list[Any] = [None] * len(functions)
    errors: list[BaseException] = []
    start = threading.Barrier(len(functions))

    def run(index: int, function: Callable[[], Any]) -> None:
        try:
            start.wait(timeout)
            results[index] = function()
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=item) for item in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout)
    if any(thread.is_alive() for thread in threads):
        raise TimeoutError("a thread did not end")
    if errors:
        raise errors[0]
    return results


@contextmanager
def shared_database(folder: Path, *tables: type[models.Model]) -> Iterator[None]:
    """A database that threads share as processes do: the test database, or on SQLite a file with these tables.

    (SQLite's in-memory test database has no waiting for locks.) Only threads see the file: read results in one.
    Needs `@pytest.mark.django_db(transaction=True)`.
    """
    if connection.vendor != "sqlite":
        yield
        return
    configured = connections.settings["default"]
    before = configured["NAME"]
    configured["NAME"] = str(folder / "shared.sqlite3")
    try:
        run_in_threads(lambda: _create(tables))
        yield
    finally:
        configured["NAME"] = before


def _create(tables: tuple[type[models.Model], ...]) -> None:
    with connection.schema_editor() as editor:
        for table in tables:
            editor.create_model(table)
