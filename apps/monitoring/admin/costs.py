"""The cost sheet as staff see it: days with their parts, and all of it on one page."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, button
from apps.core.staff.display import NOTHING, row_url, tag, when
from apps.monitoring.admin.shared import PagesAdmin, csv_file
from apps.monitoring.costs import sheet
from apps.monitoring.figures import dollars, in_dollars, percent
from apps.monitoring.models import Category, CostDay, CostLine
from apps.monitoring.models.costs import TAX

COLUMNS = (*Category.values, "infrastructure", "fees", "revenue", TAX, "addon", "margin", "balance")
FILLED_BY = ("cost_collector",)
ROWS = 5_000  # of a file: more than thirteen years


class CostLineInline(StaffInline):
    """The parts of a day."""

    model = CostLine
    fields = ("label", "shown_kind", "shown_category", "shown_source", "shown_amount")
    verbose_name_plural = _("parts")

    @display(description=_("kind"))
    def shown_kind(self, obj: CostLine) -> str:
        """Cost or revenue."""
        return str(obj.get_kind_display())

    @display(description=_("category"))
    def shown_category(self, obj: CostLine) -> str:
        """Of a cost."""
        return str(obj.get_category_display()) or NOTHING

    @display(description=_("told by"))
    def shown_source(self, obj: CostLine) -> str:
        """Which source, or staff."""
        return obj.source or str(_("entered"))

    @display(description=_("amount"))
    def shown_amount(self, obj: CostLine) -> str:
        """As money."""
        return dollars(obj.amount)


@admin.register(CostDay)
class CostDayAdmin(PagesAdmin):
    """Days: what they cost, what came in, what is left."""

    ordering = ("-day",)
    empty_text = _("Every day is collected at 01:00 UTC of the next one.")
    empty_jobs = FILLED_BY
    list_display = ("__str__", "spent", "shown_fees", "came_in", "addons", "left", "share")
    list_filter = (("fees_estimated", BooleanRadioFilter),)
    search_help_text = _("A day (2026-03-11), or cday_…")
    inlines = (CostLineInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("__str__", "collected"),
                    ("spent", "shown_fees"),
                    ("came_in", "shown_tax"),
                    ("left", "share"),
                    ("addons", "shown_balance"),
                    "note",
                    "full_id",
                )
            },
        ),
    )

    def pages(self) -> Any:
        """The sheet, and a file."""
        return (
            ("sheet/", "monitoring_costs", self.sheet_view),
            ("days.csv", "monitoring_costs_csv", self.csv_view),
        )

    def links(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """On to the days together."""
        return [button(_("Costs"), reverse("admin:monitoring_costs"), "savings")]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the day itself, too."""
        try:
            day = date.fromisoformat(search_term.strip())
        except ValueError:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(day=day), False

    def sheet_view(self, request: HttpRequest) -> HttpResponse:
        """Some weeks on one page."""
        context = sheet.sheet(request.GET.get("days", ""))
        may_add = request.user.has_perm("monitoring.add_infrastructurecost")
        for row in context["rows"]:
            row.staff_url = row_url(row)
        jobs = () if context["newest"] else FILLED_BY
        return self.page(request, "costs.html", _("Costs"), may_add=may_add, fill_jobs=jobs, **context)

    def csv_view(self, request: HttpRequest) -> HttpResponse:
        """All days, in dollars."""
        rows = CostDay.objects.order_by("-day")[:ROWS]
        return csv_file(
            "costs",
            ("day", *COLUMNS, "margin_percent", "fees_estimated"),
            (
                (
                    row.day,
                    *(in_dollars(getattr(row, name)) for name in COLUMNS),
                    None if row.margin_percent is None else round(row.margin_percent, 2),
                    row.fees_estimated,
                )
                for row in rows
            ),
        )

    @display(description=_("costs"))
    def spent(self, obj: CostDay) -> str:
        """Without Stripe's fees."""
        return dollars(obj.infrastructure)

    @display(description=_("Stripe's fees"))
    def shown_fees(self, obj: CostDay) -> str:
        """Whether they are known yet."""
        return tag(f"{dollars(obj.fees)} {_('estimated')}", "wait") if obj.fees_estimated else dollars(obj.fees)

    @display(description=_("revenue"))
    def came_in(self, obj: CostDay) -> str:
        """Through Stripe."""
        return dollars(obj.revenue)

    @display(description=_("taxes in it"))
    def shown_tax(self, obj: CostDay) -> str:
        """What belongs to states."""
        return dollars(obj.tax)

    @display(description=_("add-ons"))
    def addons(self, obj: CostDay) -> str:
        """Without what the platform itself brings in."""
        return dollars(obj.addon)

    @display(description=_("net margin"))
    def left(self, obj: CostDay) -> str:
        """Below zero in red."""
        return tag(dollars(obj.margin), "bad") if obj.margin < 0 else dollars(obj.margin)

    @display(description=_("margin"))
    def share(self, obj: CostDay) -> str:
        """Of what was earned."""
        return percent(obj.margin_percent)

    @display(description=_("Stripe balance"))
    def shown_balance(self, obj: CostDay) -> str:
        """When the day was collected first."""
        return dollars(obj.balance)

    @display(description=_("collected"))
    def collected(self, obj: CostDay) -> str:
        """Last."""
        return when(obj.collected_at)
