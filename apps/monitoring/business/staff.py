"""How the business stands, on the first page of the administration. A handful of queries, whatever the tables hold."""

from django.core.cache import cache
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import Figure
from apps.monitoring.selectors import pulse

KEY, KEPT_FOR = "staff:business", 60  # seconds
SHOWN = ("revenue", "mrr", "runs", "api_calls", "sign_ups")


def figures() -> list[Figure]:
    """The newest week, looked up once a minute at most."""
    found: list[Figure] | None = cache.get(KEY)
    if found is None:
        found = _week()
        cache.set(KEY, found, KEPT_FOR)
    return found


def _week() -> list[Figure]:
    weeks = pulse.latest(1)
    if not weeks:
        return [
            Figure(
                _("Weekly pulse"),
                translated("none yet"),
                translated("taken on Fridays"),
                url=reverse("admin:monitoring_pulse"),
            )
        ]
    found = {one.metric: one for one in pulse.standings(weeks[0])}
    week = translated("week until %(day)s") % {"day": date_format(weeks[0].end, "j M")}
    return [
        Figure(
            one.label,
            one.text,
            week if one.change is None else f"{week}, {one.change_text}",
            url=reverse("admin:monitoring_metric", args=[name]),
        )
        for name in SHOWN
        if (one := found.get(name))
    ]
