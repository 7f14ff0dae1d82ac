"""What a run wrote to the log is on its record: its own lines, the newest, without secrets."""

import logging
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from django.conf import settings

from apps.core import job_logs, jobs
from apps.core.job_logs import RunLog
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import contributed
from tests.common.threads import run_in_threads

SLOT = datetime(2026, 5, 1, 12, tzinfo=UTC)
log = structlog.get_logger("apps.tried")


def run(work: Any, **fields: Any) -> JobRun:
    job = ScheduledJob("tried", "Tried", work, "0 * * * *")
    with contributed(job):
        found = jobs.run_slot(job, SLOT) if not fields else jobs._execute(job, JobRun.objects.create(**fields))
    assert found is not None
    return found


def test_the_handler_is_set_up() -> None:
    from apps.core import logs

    seen: dict[str, Any] = {}

    def configured(options: dict[str, Any]) -> None:
        seen.update(options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.config, "dictConfig", configured)
        patch.setattr(structlog, "configure", lambda **_options: None)
        logs.configure(settings.LOGGING)
    assert seen["root"]["handlers"] == ["stderr", "jobs"]
    assert seen["handlers"]["jobs"]["class"] == "apps.core.job_logs.JobLogHandler"


@pytest.mark.django_db
def test_lines_of_ours_and_of_libraries_are_kept_and_none_of_before_or_after() -> None:
    def work(slot: datetime) -> str:
        log.info("half_done", rows=3)
        logging.getLogger("library").warning("slow %s", "query")
        return "done"

    log.info("before")
    lines = run(work).log.splitlines()
    log.info("after")
    assert len(lines) == 2
    assert "half_done" in lines[0]
    assert "rows=3" in lines[0]
    assert "slow query" in lines[1]


@pytest.mark.django_db
def test_secrets_are_taken_out_of_log_and_outcome(settings: Any) -> None:
    def work(slot: datetime) -> str:
        log.info("called", api_key="abcdefgh12345678", url="postgres://levqor:hunter22hunter@db/levqor")
        raise ValueError(f"401 for Bearer sk_live_abcdefghijklmnop and {settings.SECRET_KEY}")

    failed = run(work)
    for secret in ("abcdefgh12345678", "hunter22hunter", "sk_live_abcdefghijklmnop", settings.SECRET_KEY):
        assert secret not in failed.log
        assert secret not in failed.outcome
    assert "ValueError: 401" in failed.outcome
    assert "Traceback" in failed.log, "where it failed"


@pytest.mark.django_db
def test_a_later_attempt_adds_to_what_the_first_one_said() -> None:
    def work(slot: datetime) -> str:
        log.info("second")
        return ""

    fields = {"job": "tried", "slot": SLOT, "started_at": SLOT, "attempt": 2, "log": "first"}
    first, mark, second = run(work, **fields).log.splitlines()
    assert (first, mark) == ("first", "-- attempt 2")
    assert "second" in second


def test_what_other_threads_log_is_theirs() -> None:
    lines = RunLog()
    with job_logs.kept(lines):
        run_in_threads(lambda: log.warning("elsewhere"))
        log.warning("here")
    assert "elsewhere" not in lines.text
    assert "here" in lines.text


def test_the_newest_lines_are_kept_within_bounds() -> None:
    lines = RunLog()
    for number in range(5000):
        lines.add(f"{number} " + "x" * 90)
    lines.add("y" * 5000 + "\0")
    text = lines.text
    assert len(text) <= job_logs.MOST_CHARACTERS
    assert len(text.splitlines()) <= job_logs.MOST_LINES
    assert text.splitlines()[-2].startswith("4999 ")
    assert len(text.splitlines()[-1]) == job_logs.LONGEST_LINE + 1
