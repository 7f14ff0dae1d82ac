"""The daily summary: what happened since yesterday, nine o'clock in London."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.core.kinds import PulseMetric, ScheduledJob
from apps.core.models import EventDelivery, JobRun
from apps.core.registry import registry
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import number
from apps.monitoring.figures import dollars
from apps.monitoring.intervals import Span
from apps.monitoring.models import CostDay
from apps.monitoring.reports import parts
from apps.monitoring.reports.document import Block, Document, Figures, Number, Section, Table, Words, row
from apps.monitoring.selectors.metrics import computed
from apps.notifications.models import Alert

SHOWN = 20


def build(span: Span) -> Document:
    """Of a day that is over."""
    opened = Alert.objects.filter(began_at__gte=span.start, began_at__lt=span.end)
    resolved = Alert.objects.filter(resolved_at__gte=span.start, resolved_at__lt=span.end)
    failed = JobRun.objects.filter(state=JobRun.State.FAILED, started_at__gte=span.start, started_at__lt=span.end)
    done = JobRun.objects.filter(state=JobRun.State.SUCCEEDED, started_at__gte=span.start, started_at__lt=span.end)
    values = {"alerts": opened.count(), "jobs": failed.count()}
    alarms = ngettext("%(alerts)d alarm opened", "%(alerts)d alarms opened", values["alerts"])
    jobs = ngettext("%(jobs)d job failed", "%(jobs)d jobs failed", values["jobs"])
    summary = f"{alarms}, {jobs}." % values
    machinery = Figures(
        [
            Number(_("Alarms opened"), number(values["alerts"]), tone="bad" if values["alerts"] else ""),
            Number(_("Alarms over"), number(resolved.count())),
            Number(_("Jobs done"), number(done.count())),
            Number(_("Jobs failed"), number(values["jobs"]), tone="bad" if values["jobs"] else ""),
            _dead_letters(span),
        ]
    )
    return Document(
        _("Daily summary %(day)s") % {"day": parts.day_words(span.end.date())},
        parts.words_of(span),
        summary,
        [
            Section(_("Business"), [_business(span), _costs(span)]),
            Section(_("Machinery"), [machinery, *_failed_jobs(failed), *_alerts(opened)]),
            Section(_("What to do"), [parts.checklist()]),
        ],
    )


def _business(span: Span) -> Figures:
    """Everything that apps count as it happens, of this day."""
    metrics = [metric for metric in registry(PulseMetric).all() if metric.measures == "flow"]
    found = [computed(metric, span) for metric in sorted(metrics, key=lambda one: (one.order, one.name))]
    return Figures([parts.figure(one) for one in found if one.failed or one.value is not None])


def _costs(span: Span) -> Block:
    day = span.end.date() - timedelta(days=1)
    row_ = CostDay.objects.filter(day=day).first()
    if row_ is None:
        return Words(_("The costs of %(day)s were not collected.") % {"day": parts.day_words(day)}, "wait")
    words = _("%(day)s (UTC): costs %(costs)s, earned %(earned)s without taxes, net margin %(margin)s.")
    amounts = {name: dollars(getattr(row_, name)) for name in ("costs", "earned", "margin")}
    return Words(words % {"day": parts.day_words(day), **amounts})


def _dead_letters(span: Span) -> Number:
    """Deliveries that were given up in this time: they were due last in it."""
    rows = EventDelivery.objects.filter(state=EventDelivery.State.DEAD, due_at__gte=span.start, due_at__lt=span.end)
    text = counted(rows)
    return Number(_("Dead letters"), text, tone="" if text == "0" else "bad")


def _failed_jobs(failed: QuerySet[JobRun]) -> list[Block]:
    names = {job.name: str(job.label) for job in registry(ScheduledJob).all()}
    runs = list(failed.order_by("-slot")[:SHOWN])
    if not runs:
        return []
    rows = [row(names.get(run.job, run.job), run.outcome[:200], f"{run.slot:%d %b %H:%M}") for run in runs]
    return [Table([_("Failed job"), _("Outcome"), _("Slot (UTC)")], rows, texts=2)]


def _alerts(opened: QuerySet[Alert]) -> list[Block]:
    alerts = list(opened.order_by("-began_at")[:SHOWN])
    if not alerts:
        return []
    rows = [
        row(alert.title, alert.get_severity_display(), _("over") if alert.resolved_at else _("open"))
        for alert in alerts
    ]
    return [Table([_("Alarm"), _("Severity"), _("State")], rows, texts=2)]
