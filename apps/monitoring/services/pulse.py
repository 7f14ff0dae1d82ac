"""The weekly pulse: every metric that some app contributes, computed, kept and mailed."""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.clock import now
from apps.core.kinds import PulseMetric, ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import registry
from apps.monitoring.intervals import Span
from apps.monitoring.models import PulseReport, PulseValue
from apps.monitoring.selectors.metrics import Computed, computed, labels_of
from apps.monitoring.selectors.pulse import Standing, standings
from apps.monitoring.services.mailing import mail_report
from apps.monitoring.spans import PULSE_WEEK, ended

JOB = "weekly_pulse"
EXACT = Decimal("0.0001")


class PulseIncompleteError(RuntimeError):
    """Some metrics could not be computed; the others are kept."""


def weekly_pulse(slot: datetime) -> str:
    """The job: the week that ended last, kept and mailed once.

    Raises `PulseIncompleteError` when a metric failed, so that the job is tried again; what is there is kept. The first
    try mails only what is whole, as most of what breaks is well a minute later; the second mails what there is and
    names the rest. Whatever later tries count is on the page.
    """
    report, failed = collect(ended(PULSE_WEEK, slot))
    found = standings(report)
    if not failed or not _first_of_several(slot):
        mail(report, found, failed)
    if failed:
        raise PulseIncompleteError(f"{report}: {'; '.join(one.failed for one in failed)}")
    return f"{report} ({report.dates}): {_told(found)}"


def _told(found: list[Standing]) -> str:
    """How many figures, and how many moved, where there is a week before to tell by."""
    count = ngettext("%(count)d figure", "%(count)d figures", len(found)) % {"count": len(found)}
    if all(one.previous is None for one in found):
        return count + ", " + _("no week before to compare with")
    moved = sum(one.change not in (None, 0) for one in found)
    return count + ", " + _("%(moved)d of them changed since the week before") % {"moved": moved}


def _first_of_several(slot: datetime) -> bool:
    """Whether this try will be followed by another. Who runs the job by hand has no other."""
    job = registry(ScheduledJob).get(JOB)
    return job.retries > 0 and JobRun.objects.filter(job=JOB, slot=slot, by_hand=False, attempt=1).exists()


def collect(span: Span) -> tuple[PulseReport, list[Computed]]:
    """Compute a week and keep it. Returns the report and what failed.

    Run again, what happened in the week is counted anew. What there was at its end is kept as it was seen first: it
    can't be seen any more.
    """
    report, _created = PulseReport.objects.get_or_create(end=span.end, defaults={"start": span.start})
    seen = set(report.values.values_list("metric", flat=True))
    found, failed = [], []
    for metric in ordered_metrics():
        if metric.measures == "stock" and metric.name in seen:
            continue
        one = computed(metric, span)
        if one.failed:
            failed.append(one)
        elif one.value is not None:
            found.append(_row(report, metric, one.value))
    with transaction.atomic():
        report.values.filter(metric__in=[row.metric for row in found]).delete()
        PulseValue.objects.bulk_create(found)
        PulseReport.objects.filter(pk=report.pk).update(made_at=now())
    return report, failed


def ordered_metrics() -> list[PulseMetric]:
    """All of them, as reports list them."""
    return sorted(registry(PulseMetric).all(), key=lambda metric: (metric.order, str(metric.product), metric.name))


def _row(report: PulseReport, metric: PulseMetric, value: int | Decimal) -> PulseValue:
    exact = Decimal(value).quantize(EXACT, ROUND_HALF_UP)
    words = {"label": str(metric.label)[:120], "product": str(metric.product)[:80]}
    return PulseValue(report=report, metric=metric.name, unit=metric.unit, value=exact, **words)


def mail(report: PulseReport, found: list[Standing], failed: list[Computed]) -> None:
    """Tell staff, once for each week."""
    summary = f"{_told(found)}."
    if failed:
        summary += " " + _("Could not be counted: %(names)s.") % {"names": labels_of(failed)}
    mail_report(
        f"weekly_pulse:{report.end:%Y-%m-%dT%H:%M}",
        title=_("Weekly pulse %(week)s, %(dates)s") % {"week": report, "dates": report.dates},
        summary=summary,
        figures=[(one.label, one.text, one.change_text) for one in found],
        url=reverse("admin:monitoring_pulsereport_change", args=[report.pk]),
    )
