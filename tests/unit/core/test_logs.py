"""What a line of log holds, in both forms, from our own code and from libraries."""

import json
import logging
import logging.config
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from django.conf import settings

from apps.core import logs
from apps.core.context import bound
from levqor.env import ROOT


class Output:
    """The lines of the present test."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Output]:
    """Logging may be set up anew in the test; afterwards it is as it was."""
    monkeypatch.setenv("NO_COLOR", "1")
    root = logging.getLogger()
    before = list(root.handlers)
    yield Output(capsys)
    logs.configure(settings.LOGGING)
    root.handlers[:] = before  # not those made now, which write to what is captured here


def test_json_lines_say_who_is_served(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    organization = uuid.uuid4()
    with bound(request_id="req-1", organization_id=organization):
        structlog.get_logger("apps.x").info("run_started", run="run_1")
        logging.getLogger("library").warning("slow %s", "query")
    ours, theirs = output.entries
    assert {"event": "run_started", "run": "run_1", "level": "info", "logger": "apps.x"}.items() <= ours.items()
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("slow query", "warning", "library")
    for entry in (ours, theirs):
        assert (entry["request_id"], entry["organization_id"]) == ("req-1", str(organization))


def test_exceptions_are_part_of_the_entry(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("library").exception("it broke")
    (entry,) = output.entries
    assert "ValueError: broken" in entry["exception"]


@pytest.mark.parametrize("name", ["password", "api_key", "apikey", "access_token", "Authorization", "client_secret"])
def test_secrets_are_removed(name: str, output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    structlog.get_logger("apps.x").info("called", **{name: "hush"})
    logging.getLogger("library").warning("called", extra={name: "hush"})
    assert "hush" not in output.text
    assert [entry[name] for entry in output.entries] == [logs.REMOVED] * 2


def test_console_lines_are_for_reading(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "console"})
    structlog.get_logger("apps.x").warning("run_failed", run="run_1")
    line = output.text
    assert "[warning  ] run_failed" in line
    assert "run=run_1" in line
    assert "\x1b" not in line


def test_console_lines_are_short_until_something_is_wrong(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "console"})
    with bound(request_id="req-1", organization_id=uuid.uuid4()):
        structlog.get_logger("apps.x").info("mail_sent", mail="mail_1")
        structlog.get_logger("apps.x").error("run_broke", run="run_1")
    well, ill = output.text.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ \[info     \] mail_sent +mail=mail_1", well)
    assert "request_id=req-1" in ill
    assert ill.endswith("source=apps.x")


def test_levels_hold_and_noise_is_kept_down(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    structlog.get_logger("apps.x").debug("too fine")
    logging.getLogger("celery.app.trace").info("Task core.heartbeat succeeded")
    logging.getLogger("django.request").warning("Not Found: /favicon.ico")
    assert output.entries == []
    logs.configure({"level": "DEBUG", "format": "json"})
    logging.getLogger("celery.app.trace").info("Task core.heartbeat succeeded")
    assert len(output.entries) == 1


def test_granian_writes_the_same_lines(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    logging.config.dictConfig(json.loads((ROOT / "levqor" / "granian_log.json").read_text()))
    logger = logging.getLogger("_granian")
    logger.warning("Configuration allows spawning up to 8 Python threads, which seems quite high")
    logger.info("Listening at: http://127.0.0.1:8000")
    (entry,) = output.entries
    assert (entry["event"], entry["logger"]) == ("Listening at: http://127.0.0.1:8000", "_granian")
    for name in ("_granian", "granian.access"):
        logging.getLogger(name).handlers.clear()
