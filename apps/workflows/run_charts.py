"""The chart of runs per day."""

from babel.dates import format_date
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from apps.core.charts import Chart, Point, Series, stacked_bars
from apps.workflows.statistics import Day

SERIES = (
    Series("succeeded", _("Succeeded"), "ok"),
    Series("failed", _("Failed"), "bad"),
    Series("cancelled", _("Cancelled"), "idle"),
)


def chart_of_days(days: list[Day]) -> Chart:
    """Bars of the days' runs by how they ended."""
    locale = to_locale(get_language() or "en")
    points = [
        Point(
            label=format_date(day.day, "d MMM", locale=locale),
            title=format_date(day.day, "d MMMM y", locale=locale),
            values={"succeeded": day.succeeded, "failed": day.failed, "cancelled": day.cancelled},
        )
        for day in days
    ]
    return stacked_bars(_("Runs per day, by how they ended"), points, SERIES)
