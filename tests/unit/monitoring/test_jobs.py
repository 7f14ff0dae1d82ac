"""Every job of the business side runs on an empty platform, says something useful, and says the same again."""

from pathlib import Path
from typing import Any

import pytest

from apps.core.jobs import run_now
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import registry
from apps.monitoring.services import reports

JOBS = {
    "weekly_pulse": ("0 14 * * 5", "Europe/London"),
    "expansion_monitor": ("30 14 * * 5", "Europe/London"),
    "cost_collector": ("0 1 * * *", "UTC"),
    "kv_costs": ("0 * * * *", "UTC"),
    "cost_prediction": ("10 2 * * 1", "UTC"),
    "expansion_verifier": ("0 2 * * *", "UTC"),
    "health_monitor": ("0 */6 * * *", "UTC"),
    "system_health_log": ("30 2 * * *", "UTC"),
    "roi_review": ("0 9 1 1,4,7,10 *", "Europe/London"),
    "daily_ops_summary": ("0 9 * * *", "Europe/London"),
    "governance_report": ("0 9 * * 0", "Europe/London"),
    "retention_aggregation": ("5 0 * * *", "UTC"),
    "growth_retention": ("10 0 * * *", "UTC"),
    "sentry_test": ("0 10 * * 0", "UTC"),
}


@pytest.mark.parametrize("name", JOBS)
def test_scheduled_as_the_specification_says(name: str) -> None:
    job = registry(ScheduledJob).get(name)
    assert (job.crontab, job.tz) == JOBS[name]


@pytest.mark.parametrize("name", JOBS)
def test_runs_on_an_empty_platform(
    name: str, db: None, reports_folder: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STRIPE_API_KEY = ""  # not set up
    monkeypatch.setitem(reports.WRITERS, "pdf", lambda document: b"%PDF")  # takes its time, and has tests of its own
    first, second = run_now(name), run_now(name)
    assert first.state == JobRun.State.SUCCEEDED, first.outcome
    assert first.outcome
    assert (second.state, second.outcome) == (first.state, first.outcome)
