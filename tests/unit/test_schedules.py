"""The schedule table of the specification: every job is there, under its name, at its time."""

import pytest

from apps.core.kinds import ScheduledJob, Tick
from apps.core.registry import registry

UTC, LONDON = "UTC", "Europe/London"

# Named in the table.
TABLE = {
    "retention_aggregation": ("5 0 * * *", UTC),
    "growth_retention": ("10 0 * * *", UTC),
    "cost_collector": ("0 1 * * *", UTC),
    "expansion_verifier": ("0 2 * * *", UTC),
    "cost_prediction": ("10 2 * * 1", UTC),
    "slo_watchdog": ("*/5 * * * *", UTC),
    "kv_costs": ("0 * * * *", UTC),
    "health_monitor": ("0 */6 * * *", UTC),
    "daily_ops_summary": ("0 9 * * *", LONDON),
    "governance_report": ("0 9 * * 0", LONDON),
    "sentry_test": ("0 10 * * 0", UTC),
    "weekly_pulse": ("0 14 * * 5", LONDON),
    "expansion_monitor": ("30 14 * * 5", LONDON),
}
# Described in the table; the names are ours. What runs more often than asked is up to date at any hour.
DESCRIBED = {
    "usage roll-up hourly": "usage_rollup_hourly",
    "usage roll-up nightly": "usage_rollup_nightly",
    "Stripe meter sync nightly": "billing_meters",
    "quota alerts": "tick:alert_quotas",
    "token clean-up nightly": "token_cleanup",
    "reconciliation daily": "billing_reconciliation",
    "API keys → Notion daily": "notion_api_keys",
    "ROI review quarterly": "roi_review",
    "system health log nightly": "system_health_log",
}


def there() -> set[str]:
    return {job.name for job in registry(ScheduledJob).all()} | {f"tick:{tick.name}" for tick in registry(Tick).all()}


@pytest.mark.parametrize("name", [*TABLE, *DESCRIBED.values()])
def test_each_job_of_the_table_is_there(name: str) -> None:
    assert name in there()


@pytest.mark.parametrize("name", TABLE)
def test_and_at_its_time(name: str) -> None:
    job = registry(ScheduledJob).get(name)
    assert (job.crontab, job.tz) == TABLE[name]


def test_every_job_says_what_it_does() -> None:
    for job in registry(ScheduledJob).all():
        assert str(job.label)[:1].isupper(), job.name
        assert job.retries >= 0
