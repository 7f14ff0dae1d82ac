"""Log entries as events and breadcrumbs. Ours are dictionaries, of which the library would make one text: each would be
a new kind of error, without its traceback."""

import logging
import sys
from typing import Any

from sentry_sdk.integrations.logging import BreadcrumbHandler, EventHandler

from apps.core.logs import told

# Django and Celery have told these already, with more than the log knows.
TOLD_BETTER = frozenset({"django.request", "celery.app.trace"})
OF_EVERY_ENTRY = frozenset({"event", "level", "logger", "timestamp", "exc_info", "exception", "stack_info"})


def plain(record: logging.LogRecord) -> logging.LogRecord:
    """The record with the name of what happened as its message, its members as extras, and its error."""
    if not isinstance(record.msg, dict):
        return record
    entry = record.msg
    members = {name: told(value) for name, value in entry.items() if name not in OF_EVERY_ENTRY}
    known = {name: value for name, value in vars(record).items() if name not in ("_logger", "_name")}
    known |= {"msg": str(entry.get("event", "")), "args": (), "exc_info": _error(entry)}
    return logging.makeLogRecord({**known, "levqor": members})


def _error(entry: dict[str, Any]) -> Any:
    found = entry.get("exc_info")
    if isinstance(found, BaseException):
        return type(found), found, found.__traceback__
    if isinstance(found, tuple):
        return found
    return sys.exc_info() if found and sys.exc_info()[0] else None


class LogEvents(EventHandler):
    """An error that was logged is an event."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logging's hook."""
        if record.name not in TOLD_BETTER:
            super().emit(plain(record))


class LogBreadcrumbs(BreadcrumbHandler):
    """What was logged before an event goes along with it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Logging's hook."""
        super().emit(plain(record))
