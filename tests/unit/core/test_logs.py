"""What a line of log holds, in both forms, from our own code and from libraries."""

import json
import logging
import logging.config
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client

from apps.core import logs
from apps.core.context import bound
from levqor.env import ROOT
from tests.common.surroundings import bare_environment


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


def test_lines_say_which_job_run_and_step_they_are_of(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    with bound(job="weekly_pulse"):
        structlog.get_logger("apps.x").info("counted")
        logging.getLogger("library").warning("slow")
    with bound(run="run_1", step="each[0].call"):
        structlog.get_logger("apps.x").info("called")
        structlog.get_logger("apps.x").info("told", run="run_2")
    ours, theirs, step, explicit = output.entries
    assert ours["job"] == theirs["job"] == "weekly_pulse"
    assert "run" not in ours
    assert (step["run"], step["step"]) == ("run_1", "each[0].call")
    assert explicit["run"] == "run_2", "who says it knows better"


SECRETS = {
    "key": "lvq_live_abcdefghijklmnop0123456789abcdef",
    "stripe": "sk_live_abcdefghijklmnop0123456789",
    "password": "hunter22hunter",
    "bearer": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlaXNoZXJl",
    "cookie": "k3yofthesessi0nofsomebody",
}


class Odd:
    """Something whose text holds a secret, as requests and models may."""

    def __str__(self) -> str:
        return f"<Odd api_key={SECRETS['key']}>"


@pytest.mark.parametrize("style", ["json", "console"])
def test_planted_secrets_reach_no_output(style: str, output: Output) -> None:
    logs.configure({"level": "INFO", "format": style})
    ours, theirs = structlog.get_logger("apps.x"), logging.getLogger("library")
    words = (
        f"called with {SECRETS['key']}, then {SECRETS['stripe']}; password={SECRETS['password']}\n"
        f"Authorization: Bearer {SECRETS['bearer']}\nCookie: csrf=1; sessionid={SECRETS['cookie']}"
    )
    ours.info(words, answer={"body": [words], "password": SECRETS["password"]}, odd=Odd(), many={words})
    theirs.warning("%s", words)
    theirs.warning("called", extra={"headers": {"Cookie": f"sessionid={SECRETS['cookie']}"}})
    try:
        raise ValueError(words)
    except ValueError as error:
        ours.exception("it_broke", error=error, pair=(words, 1))
        theirs.exception("it broke: %s", error)
    text = output.text
    for name, secret in SECRETS.items():
        assert secret not in text, name
    assert text.count(logs.REMOVED) > 20
    assert "Traceback" in text
    if style == "json":
        assert len(output.entries) == 5, "what is removed breaks no line"


def test_numbers_and_moments_stay_what_they_are(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    structlog.get_logger("apps.x").info("counted", rows=3, share=0.5, well=True, none=None, at=uuid.UUID(int=1))
    (entry,) = output.entries
    assert [entry[name] for name in ("rows", "share", "well", "none")] == [3, 0.5, True, None]
    assert entry["at"] == str(uuid.UUID(int=1))


def test_the_formatter_needs_no_settings() -> None:
    """granian's own process has none."""
    code = "import logging; from apps.core import logs; print(logs.formatter('json').format(logging.makeLogRecord({})))"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=bare_environment(), capture_output=True, text=True
    )
    assert '"event"' in told.stdout, told.stderr


def test_a_value_is_as_long_as_a_line_bears(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_through: list[int] = []
    whole = logs.scrub
    monkeypatch.setattr(logs, "scrub", lambda text: looked_through.append(len(text)) or whole(text))  # type: ignore[func-returns-value]
    logs.configure({"level": "INFO", "format": "json"})
    sent = "x" * 380_000
    logging.getLogger("library").warning("Forbidden (%s): %s", sent, "/status", extra={"headers": {"Origin": sent}})
    structlog.get_logger("apps.x").info("called", many=list(range(1_000)), odd=Path(sent))
    theirs, ours = output.entries
    assert max(looked_through) < logs.LONGEST + 100
    assert theirs["event"].startswith("Forbidden (xxx")
    assert theirs["event"].endswith("… (372021 more)")
    assert len(theirs["headers"]["Origin"]) < logs.LONGEST + 100
    assert ours["many"][-1] == "800 more"
    assert ours["odd"].endswith("more)")


def test_a_traceback_keeps_its_beginning_and_its_end(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    try:
        try:
            raise KeyError("\n".join(f"first {number}" for number in range(10_000)))
        except KeyError:
            raise ValueError("the last word" + "y" * 100_000) from None
    except ValueError:
        logging.getLogger("library").exception("it broke")
    (entry,) = output.entries
    assert entry["exception"].startswith("Traceback (most recent call last):")
    assert "ValueError: the last wordyyy" in entry["exception"]
    assert len(entry["exception"]) < logs.LONGEST + 100
    lines = [f"line {number} {'z' * 50}" for number in range(1_000)]
    told = logs.cut("\n".join(lines)).splitlines()
    assert (told[0], told[-1]) == (lines[0], lines[-1])
    assert len("\n".join(told)) <= logs.LONGEST + 100
    assert sum("more)" in line for line in told) == 1


def test_a_key_that_was_cut_in_its_middle_is_gone(output: Output) -> None:
    logs.configure({"level": "INFO", "format": "json"})
    body = "\n".join("S3cr3tV4lueXYZ987" for _line in range(2_000))
    words = f"it broke with\n-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\nand went on"
    structlog.get_logger("apps.x").info("called", words=words)
    (entry,) = output.entries
    assert "S3cr3t" not in entry["words"]
    assert entry["words"].startswith("it broke with")


@pytest.mark.django_db
@pytest.mark.parametrize("style", ["json", "console"])
def test_requests_that_django_refuses_are_one_warning_each(style: str, output: Output) -> None:
    logs.configure({"level": "INFO", "format": style})
    stranger = Client(raise_request_exception=False, enforce_csrf_checks=True)
    assert stranger.get("/x%00").status_code == 400
    said = "https://" + "words-of-a-stranger" * 100
    assert stranger.post("/status/subscribe", {}, headers={"origin": said}).status_code == 403
    assert stranger.post("/status/subscribe", {}, headers={"referer": said}, secure=True).status_code == 403
    lines = [line for line in output.text.splitlines() if "NUL" in line or "Forbidden" in line]
    assert len(output.text.splitlines()) == len(lines) == 3
    assert all("warning" in line for line in lines)
    assert "Origin checking failed): /status/subscribe" in lines[1]
    assert "Referer checking failed): /status/subscribe" in lines[2]
    assert "words-of-a-stranger" not in output.text
