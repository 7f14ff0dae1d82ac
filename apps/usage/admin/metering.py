"""What was counted: events, hours, periods. Nothing of it is changed here: a wrong event gets another that corrects it.

Lists are read along an index, whatever they are narrowed by: the newest first by time, and one organization's by its
hours. A filter that no index serves is not offered.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.accounts.models import ApiKey, Organization, User
from apps.core.admin_base import StaffModelAdmin, button
from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, list_url, row_link, when
from apps.core.staff.figures import MOST_COUNTED
from apps.core.staff.lists import CappedPaginator, LastWeekFilter, PeriodFilter, key_of
from apps.core.templatetags.levqor import number, short_id
from apps.usage.forms import CorrectionForm
from apps.usage.models import NOBODY, ApiRequest, UsageEvent, UsageHour, UsageTotal
from apps.usage.periods import hour_of, period_named
from apps.usage.selectors import corrected_by, correction_of
from apps.usage.services.corrections import correct

OF_ORGANIZATION = "organization__id__exact"
CORRECT = "usage.change_usageevent"
BEHIND_A_FIGURE = ("hour", "meter", "category", "key_id", "user_id")  # read along one organization's hours


class EventPeriodFilter(LastWeekFilter):
    """Events of the last days, by the column of the index that the list is read along (`get_ordering`).

    The log of requests has none by time alone: its keys tell it.
    """

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Django's hook."""
        if not self.limited:
            return queryset
        since = now() - timedelta(days=int(self.value()))
        if OF_ORGANIZATION in request.GET and queryset.model is UsageEvent:
            return queryset.filter(hour__gte=hour_of(since))
        if OF_ORGANIZATION not in request.GET and queryset.model is ApiRequest:
            return queryset.filter(pk__gte=lowest_id(since))
        return queryset.filter(at__gte=since)


class HourPeriodFilter(PeriodFilter):
    """Hours of the last days."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Django's hook."""
        return queryset.filter(hour__gte=now() - timedelta(days=int(self.value()))) if self.limited else queryset


class OrderedPaginator(CappedPaginator):
    """Counts along the index that the list is read by.

    Left to choose, PostgreSQL would look for the newest rows from the beginning of the table, where the oldest are.
    """

    @cached_property
    def _seen(self) -> int:
        rows: Any = self.object_list
        return int(rows.values("pk")[: MOST_COUNTED + 1].count())


class MeteringAdmin(StaffModelAdmin):
    """What the lists have in common: an organization that is searched for narrows them to it.

    `along` is the column behind the organization in the index that serves one organization's list.
    """

    along = "-hour"
    paginator = OrderedPaginator
    list_select_related = ("organization",)
    search_help_text = _("org_… or the organization's slug")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list; the id or slug of an organization leads to that organization's rows."""
        text = request.GET.get("q", "").strip()
        if text and request.method == "GET" and self.has_view_permission(request):
            key = key_of(Organization.public_prefix, text)
            same = Organization.objects.filter(pk=key) if key else Organization.objects.filter(slug=text)
            found = same.values_list("pk", flat=True).first()
            if found is not None:
                kept = {name: value for name, value in request.GET.items() if name not in ("q", "p")}
                return redirect(list_url(self.model, **kept | {OF_ORGANIZATION: str(found)}))
        return super().changelist_view(request, extra_context)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The newest first, along the index that the list is narrowed by."""
        return (self.along, "-pk") if OF_ORGANIZATION in request.GET else self.ordering

    @display(description=_("person"))
    def person(self, obj: Any) -> str:
        """Whose credential or session it was (the id needs no query)."""
        return _by_id(User, obj.user_id)

    @display(description=_("key"))
    def key(self, obj: Any) -> str:
        """The key, where it was one (the id needs no query)."""
        return _by_id(ApiKey, obj.key_id)

    @display(description=_("hour"))
    def shown_hour(self, obj: Any) -> str:
        """The hour, UTC."""
        return f"{obj.hour:%Y-%m-%d %H}:00"

    @display(description=_("total"))
    def shown_total(self, obj: Any) -> str:
        """With thousands separators."""
        return number(obj.total)


def _correct(_request: HttpRequest, row: UsageEvent, data: dict[str, Any]) -> None:
    correct(row, data["reason"])


@admin.register(UsageEvent)
class UsageEventAdmin(MeteringAdmin):
    """One call (or what else is metered), as it was counted."""

    lookups = BEHIND_A_FIGURE
    list_display = ("when_at", "organization_link", "meter", "category", "value", "key", "person", "shown_request")
    list_filter = (EventPeriodFilter, ("organization", AutocompleteSelectFilter))
    ordering = ("-at", "-pk")
    search_fields = ("request_id__exact",)
    search_help_text = _("Request id, org_… or the organization's slug")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("when_at", "organization_link"),
                    ("meter", "category"),
                    ("value", "shown_hour"),
                    ("key", "person"),
                    ("request_id", "source"),
                    ("source_id", "shown_correction"),
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="correct",
            label=_("Take back"),
            question=_(
                "The event stays as it is: another of the opposite sign joins it, and the totals follow. "
                "That can't be taken back."
            ),
            permission=CORRECT,
            do=_correct,
            icon="undo",
            applies=lambda row: not row.corrects and correction_of(row) is None,
            danger=True,
            form=CorrectionForm,
        ),
    )

    @display(description=_("at"))
    def when_at(self, obj: UsageEvent) -> str:
        """When it was counted."""
        return when(obj.at)

    @display(description=_("request"))
    def shown_request(self, obj: UsageEvent) -> str:
        """The id that the answer carried as X-Request-Id."""
        return f"{obj.request_id[:8]}…" if len(obj.request_id) > 12 else obj.request_id or NOTHING

    @display(description=_("correction"))
    def shown_correction(self, obj: UsageEvent) -> str:
        """What it corrects, or what corrects it."""
        if obj.corrects:
            found = corrected_by(obj)
            return format_html(translated("corrects {}"), obj.corrects if found is None else row_link(found))
        correction = correction_of(obj)
        return NOTHING if correction is None else format_html(translated("corrected by {}"), row_link(correction))


@admin.register(UsageHour)
class UsageHourAdmin(MeteringAdmin):
    """Sums of an hour, made anew whenever events of it come."""

    lookups = BEHIND_A_FIGURE
    list_display = ("shown_hour", "organization_link", "meter", "category", "key", "person", "shown_total", "events")
    list_filter = (HourPeriodFilter, ("organization", AutocompleteSelectFilter))
    ordering = ("-hour", "-pk")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_hour", "organization_link"),
                    ("meter", "category"),
                    ("key", "person"),
                    ("shown_total", "events"),
                    "highest",
                )
            },
        ),
    )

    def links(self, request: HttpRequest, row: UsageHour) -> list[dict[str, Any]]:
        """To the events that it was made of."""
        of_it = {name: getattr(row, name) for name in BEHIND_A_FIGURE} | {"hour": row.hour.isoformat()}
        return [button(_("Events"), _behind(UsageEvent, row, of_it), "bolt")]


@admin.register(UsageTotal)
class UsageTotalAdmin(MeteringAdmin):
    """What limits are compared with: a month's sum (a day's in a sandbox), all together and by category."""

    list_display = ("period", "organization_link", "meter", "shown_category", "shown_total")
    list_filter = (("organization", AutocompleteSelectFilter),)
    list_before_template = None
    along = "-period"
    fieldsets = ((None, {"fields": (("period", "organization_link"), ("meter", "shown_category"), "shown_total")}),)

    def links(self, request: HttpRequest, row: UsageTotal) -> list[dict[str, Any]]:
        """Down to its hours and its events."""
        period = period_named(row.period)
        of_it = {"meter": row.meter, "hour__gte": period.start.isoformat(), "hour__lt": period.end.isoformat()}
        if row.category:
            of_it["category"] = row.category
        return [
            button(_("Hours"), _behind(UsageHour, row, of_it), "schedule"),
            button(_("Events"), _behind(UsageEvent, row, of_it), "bolt"),
        ]

    @display(description=_("category"))
    def shown_category(self, obj: UsageTotal) -> str:
        """All together has none."""
        return obj.category or str(_("all"))


def _behind(model: type[UsageEvent | UsageHour], row: UsageHour | UsageTotal, of_it: dict[str, Any]) -> str:
    """The list of what a figure was made of, however old."""
    return list_url(model, **{OF_ORGANIZATION: row.organization_id}, **of_it, period=PeriodFilter.ANY)


def _by_id(model: type[ApiKey | User], key: UUID) -> str:
    if key == NOBODY:
        return NOTHING
    row = model(pk=key)
    return row_link(row, short_id(row.public_id))
