"""Entries of our log as the error tracker's library wants them: a name, members, an error."""

import logging
from typing import Any

import pytest

from apps.integrations.sentry.log_events import LogEvents, plain


def record(entry: Any, **fields: Any) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "apps.tried", "msg": entry, "_logger": None, "_name": "info", **fields})


def error() -> ValueError:
    try:
        raise ValueError("broken")
    except ValueError as raised:
        return raised


def test_the_name_is_the_message_and_members_go_along() -> None:
    found = plain(record({"event": "100 % done", "rows": 3, "password": "x", "timestamp": "t", "level": "info"}))
    assert found.getMessage() == "100 % done"
    assert vars(found)["levqor"] == {"rows": 3, "password": "x"}  # taken out by `before_send`, by its name
    assert found.exc_info is None


@pytest.mark.parametrize("given", ["itself", "tuple", "true"])
def test_an_error_keeps_its_traceback(given: str) -> None:
    raised = error()
    info = (ValueError, raised, raised.__traceback__)
    if given == "true":
        try:
            raise raised
        except ValueError:
            found = plain(record({"event": "it_broke", "exc_info": True}))
    else:
        found = plain(record({"event": "it_broke", "exc_info": raised if given == "itself" else info}))
    assert found.exc_info is not None
    assert found.exc_info[:2] == info[:2]
    assert found.exc_info[2] is not None


def test_no_error_is_none() -> None:
    assert plain(record({"event": "it_broke", "exc_info": True})).exc_info is None


def test_entries_of_libraries_stay_as_they_are() -> None:
    theirs = record("slow %s", args=("query",))
    assert plain(theirs) is theirs


def test_what_django_and_celery_tell_themselves_is_not_told_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("sentry_sdk.integrations.logging.EventHandler.emit", lambda _self, one: told.append(one.name))
    for name in ("django.request", "celery.app.trace", "library"):
        LogEvents().emit(record("x", name=name))
    assert told == ["library"]
