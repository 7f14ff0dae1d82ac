"""What the page of health and the first page of the administration show of what was looked at."""

from typing import Any

from babel.dates import format_date
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from apps.core.charts import Point, Series, stacked_bars
from apps.monitoring.models import HealthRun
from apps.monitoring.selectors import health

DAYS = 30


def board() -> dict[str, Any]:
    """The newest looks, what changed, and a month of what was wrong."""
    monitor, verifier, log = (
        health.latest(kind) for kind in (HealthRun.Kind.MONITOR, HealthRun.Kind.VERIFIER, HealthRun.Kind.LOG)
    )
    return {
        "monitor": monitor,
        "verifier": verifier,
        "log": log,
        "checks": health.results_of(monitor),
        "verified": health.results_of(verifier),
        "changes": health.changes(),
        "chart": _chart(),
    }


def _chart() -> Any:
    locale = to_locale(get_language() or "en")
    points = [
        Point(format_date(day, "d MMM", locale=locale), format_date(day, "d MMMM y", locale=locale), counts)
        for day, counts in health.wrong_by_day(DAYS).items()
    ]
    series = (Series("failed", _("Failed"), "bad"), Series("warning", _("Warning"), "wait"))
    return stacked_bars(_("Checks that were not fine, by day"), points, series)
