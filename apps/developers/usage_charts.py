"""Charts of calls per day: by key and by category, the largest few in colours of their own."""

from collections.abc import Callable, Sequence
from datetime import date

from babel.dates import format_date
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from apps.core.charts import Chart, Point, Series, Tone, stacked_bars
from apps.core.kinds import Dimension
from apps.usage.measuring import Group
from apps.usage.statistics import RecentCalls

HUES: Sequence[Tone] = ("hue-1", "hue-2", "hue-3", "hue-4", "hue-5")
OTHERS = "others"


def chart_of_calls(title: str, calls: RecentCalls, dimension: Dimension, named: Callable[[Group], str]) -> Chart:
    """Bars of the days' calls, stacked by key or category; what is behind the first five is one colour."""
    groups = [group for group, _count in calls.by(dimension)]
    first, rest = groups[: len(HUES)], groups[len(HUES) :]
    keys = {group: str(number) for number, group in enumerate(first)}
    series = [_series(key, named(group), tone) for (group, key), tone in zip(keys.items(), HUES, strict=False)]
    if rest:
        series.append(_series(OTHERS, named(rest[0]) if len(rest) == 1 else _("Others"), "idle"))
    points = [_point(day, found, keys) for day, found in calls.per_day(dimension)]
    return stacked_bars(title, points, series)


def in_words(day: date, form: str = "d MMMM y") -> str:
    """A day in the reader's language."""
    return format_date(day, form, locale=to_locale(get_language() or "en"))


def _series(key: str, name: str, tone: Tone) -> Series:
    return Series(key, name, tone, said=_("calls, %(name)s") % {"name": name})


def _point(day: date, found: dict[Group, int], keys: dict[Group, str]) -> Point:
    values: dict[str, float] = {}
    for group, calls in found.items():
        key = keys.get(group, OTHERS)
        values[key] = values.get(key, 0) + calls
    return Point(in_words(day, "d MMM"), in_words(day), values)
