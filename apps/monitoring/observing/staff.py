"""What observing adds to the administration's page of operations."""

from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import Figure, StaffFigures, StaffPanel
from apps.core.registry import register
from apps.core.staff.display import list_url
from apps.core.templatetags.levqor import number, percent
from apps.monitoring.models import Incident, Probe, SloSample
from apps.monitoring.observing import day_charts
from apps.monitoring.selectors.slo import standings
from apps.monitoring.status.summary import summary

CHART = "admin/panels/chart.html"


def service() -> list[Figure]:
    """The status page's word, open incidents, how objectives stand."""
    shown = summary().value
    open_ones, bad = len(shown["incidents"]), shown["indicator"] not in ("none", "maintenance", "unknown")
    down = [one["name"] for one in shown["components"] if one["status"] not in ("operational", "unknown")]
    found = [
        Figure(
            _("Status page"),
            shown["description"],
            ", ".join(down),
            "bad" if bad else "ok" if shown["indicator"] == "none" else "",
            list_url(Probe),
        ),
        Figure(
            _("Open incidents"),
            number(open_ones),
            tone="bad" if open_ones else "",
            url=list_url(Incident, open="yes"),
        ),
    ]
    for standing in standings():
        latest, left = standing.latest, standing.budget_left
        words = "" if latest is None or latest.p95_ms is None else translated("p95 %(ms)d ms") % {"ms": latest.p95_ms}
        found.append(
            Figure(
                standing.objective.label,
                translated("%(share)s left") % {"share": percent(max(left, 0.0))} if left is not None else "—",
                words or translated("of two weeks' allowance"),
                "" if left is None else "bad" if left <= 0 else "wait" if left < 0.25 else "ok",
                list_url(SloSample, objective__code__exact=standing.objective.code),
            )
        )
    return found


VIEW = "monitoring.view_probe"
EXPLAINED = _(
    "An objective allows some requests to be bad: “left” is the share of what it allows in two weeks that is not used "
    "up. It burns at 1 when there are just as many bad ones as it allows, at 2 when there are twice as many."
)
register(
    StaffFigures("service", _("Service"), service, VIEW, 5, "operations", EXPLAINED),
    StaffPanel("latency", _("Latency, ms: 95 of 100 are quicker"), CHART, day_charts.latency, VIEW, 6, "operations"),
    StaffPanel("queue_depth", _("Runs that wait for a worker"), CHART, day_charts.queue_depth, VIEW, 7, "operations"),
)
