"""Health on the administration's page of operations."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from apps.core.kinds import Figure, StaffFigures
from apps.core.registry import register
from apps.core.templatetags.levqor import number, relative_time
from apps.monitoring.models import HealthRun
from apps.monitoring.selectors import health


def health_figures() -> list[Figure]:
    """The newest looks."""
    url = reverse("admin:monitoring_health")
    monitor, verifier = health.latest(HealthRun.Kind.MONITOR), health.latest(HealthRun.Kind.VERIFIER)
    return [_figure(_("Checks that fail"), monitor, url), _figure(_("Nightly verifier: failed"), verifier, url)]


def _figure(label: Any, run: HealthRun | None, url: str) -> Figure:
    if run is None:
        return Figure(label, "—", translated("not looked yet"), "wait", url)
    states = [one.state for one in run.results.all()]
    failed, warned = states.count("failed"), states.count("warning")
    note = translated("looked %(when)s") % {"when": relative_time(run.made_at)}
    if warned:
        note = f"{note} · " + ngettext("%(count)d warning", "%(count)d warnings", warned) % {"count": warned}
    return Figure(label, number(failed), note, "bad" if failed else "wait" if warned else "ok", url)


register(StaffFigures("health", _("Health"), health_figures, "monitoring.view_healthrun", 29, "operations"))
