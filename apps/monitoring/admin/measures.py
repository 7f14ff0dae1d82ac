"""What was measured, and what is promised."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.staff.display import NOTHING, at, list_url, tag
from apps.core.staff.lists import KnownValuesFilter
from apps.core.templatetags.levqor import number, percent
from apps.monitoring.models import GaugeSample, Objective, Probe, RequestMinute, SloSample, UptimeDay
from apps.monitoring.selectors.uptime import components


class ComponentFilter(KnownValuesFilter):
    """By component, from the registry."""

    title = _("component")
    parameter_name = "component"

    def options(self) -> Iterable[tuple[str, Any]]:
        """Those that are on the page."""
        return [(one.name, one.label) for one in components()]


class MeasureAdmin(StaffModelAdmin):
    """Rows that only machines write, listed as they came."""

    list_before_template = None

    @display(description=_("minute"))
    def at_minute(self, obj: Any) -> str:
        """In UTC."""
        return at(obj.minute)

    @display(description=_("at"))
    def at_time(self, obj: Any) -> str:
        """In UTC."""
        return at(obj.at)


@admin.register(Probe)
class ProbeAdmin(MeasureAdmin):
    """What each minute's look at a component saw."""

    list_display = ("at_minute", "component", "shown_up", "latency", "seen")
    list_filter = (ComponentFilter,)
    fieldsets = ((None, {"fields": (("component", "at_minute"), ("shown_up", "latency"), "seen")}),)

    @display(description=_("up"))
    def shown_up(self, obj: Probe) -> str:
        """Yes or no."""
        return tag(_("up"), "ok") if obj.up else tag(_("down"), "bad")

    @display(description=_("took"))
    def latency(self, obj: Probe) -> str:
        """In milliseconds."""
        return NOTHING if obj.latency_ms is None else f"{number(obj.latency_ms)} ms"


@admin.register(UptimeDay)
class UptimeDayAdmin(MeasureAdmin):
    """Days that are over, by component."""

    list_display = ("day", "component", "shown_share", "down", "unmeasured", "maintenance", "latency")
    list_filter = (ComponentFilter,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("component", "day"),
                    ("shown_share", "expected"),
                    ("down", "unmeasured"),
                    ("maintenance", "latency"),
                )
            },
        ),
    )

    @display(description=_("uptime"))
    def shown_share(self, obj: UptimeDay) -> str:
        """Of the minutes that count."""
        share = obj.up / obj.expected if obj.expected else None
        return tag(percent(share, 3), "" if share is None else "ok" if share >= 0.999 else "bad")

    @display(description=_("minutes down"))
    def down(self, obj: UptimeDay) -> int:
        """How many."""
        return obj.expected - obj.up

    @display(description=_("mean latency"))
    def latency(self, obj: UptimeDay) -> str:
        """Of the probes that found it up."""
        return NOTHING if obj.latency_ms is None else f"{number(obj.latency_ms)} ms"


class ObjectiveForm(forms.ModelForm):
    """The figures of an objective. Its kind can't be changed, so no form's own check sees what has to fit to it."""

    def clean(self) -> dict[str, Any]:
        """What would break a rule of the table is said beside its field."""
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if "threshold_ms" in found:
            of_latency = self.instance.kind == Objective.Kind.LATENCY
            if of_latency and found["threshold_ms"] is None:
                self.add_error("threshold_ms", translated("Say what is quick enough."))
            elif not of_latency and found["threshold_ms"] is not None:
                self.add_error("threshold_ms", translated("Only latency is measured in time: leave it empty."))
        return found


@admin.register(Objective)
class ObjectiveAdmin(StaffModelAdmin):
    """What the platform promises. Staff set the figures; the watchdog follows from its next look on."""

    form = ObjectiveForm
    list_display = ("label", "kind", "scope", "shown_target", "shown_threshold", "enabled")
    list_before_template = None
    search_fields = ("code", "label")
    search_help_text = _("Search by name")
    ordering = ("code",)
    editable = ("label", "target", "threshold_ms", "fewest", "fewest_bad", "enabled")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("label", "code"),
                    ("kind", "scope"),
                    ("target", "threshold_ms"),
                    ("fewest", "fewest_bad"),
                    "enabled",
                )
            },
        ),
    )

    def links(self, request: HttpRequest, row: Objective) -> list[dict[str, Any]]:
        """To the looks at it."""
        return [button(_("Looks at it"), list_url(SloSample, objective__code__exact=row.code), "monitoring")]

    @display(description=_("target"))
    def shown_target(self, obj: Objective) -> str:
        """In per cent."""
        return f"{obj.target.normalize():f} %"

    @display(description=_("quick enough"))
    def shown_threshold(self, obj: Objective) -> str:
        """Of latency."""
        return NOTHING if obj.threshold_ms is None else f"{number(obj.threshold_ms)} ms"


class ObjectiveFilter(KnownValuesFilter):
    """By objective."""

    title = _("objective")
    parameter_name = "objective__code__exact"

    def options(self) -> Iterable[tuple[str, Any]]:
        """All."""
        return list(Objective.objects.order_by("code").values_list("code", "label"))

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        return queryset.filter(objective_id=self.value()) if self.value() else queryset


@admin.register(SloSample)
class SloSampleAdmin(MeasureAdmin):
    """How objectives stood, every five minutes."""

    list_display = ("at_time", "objective", "shown_severity", "bad_of_all", "shown_p95", "burns")
    list_filter = (ObjectiveFilter,)
    list_select_related = ("objective",)
    lookups = ("objective",)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("objective", "at_time"),
                    ("shown_severity", "bad_of_all", "shown_p95"),
                    ("burn_1h", "burn_6h", "burn_3d"),
                )
            },
        ),
    )

    @display(description=_("bad requests"))
    def bad_of_all(self, obj: SloSample) -> str:
        """Of the five minutes before."""
        return str(_("%(bad)s of %(total)s") % {"bad": number(obj.bad), "total": number(obj.total)})

    @display(description=_("p95 latency"))
    def shown_p95(self, obj: SloSample) -> str:
        """95 of 100 requests were quicker; in milliseconds."""
        return NOTHING if obj.p95_ms is None else f"{number(obj.p95_ms)} ms"

    @display(description=_("burn: 1 h · 6 h · 3 d"))
    def burns(self, obj: SloSample) -> str:
        """The three long windows."""
        rates = (obj.burn_1h, obj.burn_6h, obj.burn_3d)
        if all(rate is None for rate in rates):
            return str(_("too few requests"))
        return " · ".join(NOTHING if rate is None else number(rate, 1) for rate in rates)

    @display(description=_("alarm"))
    def shown_severity(self, obj: SloSample) -> str:
        """Which was raised."""
        return tag(obj.severity, "bad" if obj.severity == "critical" else "wait") if obj.severity else NOTHING


@admin.register(RequestMinute)
class RequestMinuteAdmin(MeasureAdmin):
    """Requests by the minute."""

    list_display = ("at_minute", "scope", "total", "failed", "mean", "over_200", "over_1000")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("scope", "at_minute"),
                    ("total", "failed", "mean"),
                    ("over_50", "over_100", "over_200"),
                    ("over_500", "over_1000", "over_3000"),
                )
            },
        ),
    )

    @display(description=_("mean"))
    def mean(self, obj: RequestMinute) -> str:
        """In milliseconds."""
        return f"{number(obj.milliseconds / obj.total, 1)} ms" if obj.total else NOTHING


@admin.register(GaugeSample)
class GaugeSampleAdmin(MeasureAdmin):
    """Gauges, every five minutes."""

    list_display = ("at_time", "name", "labels", "value")
    fieldsets = ((None, {"fields": (("name", "labels"), ("at_time", "value"))}),)
