"""What Redis did hour by hour, and what was foretold."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin
from apps.core.staff.display import NOTHING, at, tag, when
from apps.core.templatetags.levqor import number
from apps.monitoring.figures import dollars
from apps.monitoring.models import CostForecast, KeyValueHour


@admin.register(KeyValueHour)
class KeyValueHourAdmin(StaffModelAdmin):
    """What Redis did, hour by hour."""

    ordering = ("-hour",)
    empty_text = _(
        "An hour is added every hour where a Redis is set up (REDIS_URL); without one there is none to count."
    )
    empty_jobs = ("kv_costs",)
    list_display = ("shown_hour", "shown_commands", "shown_memory", "shown_cost")
    list_before_template = None
    search_fields = ()
    fieldsets = ((None, {"fields": (("shown_hour", "shown_commands"), ("shown_memory", "shown_cost"), "server")}),)

    @display(description=_("until"))
    def shown_hour(self, obj: KeyValueHour) -> str:
        """When it was looked at."""
        return at(obj.hour)

    @display(description=_("commands"))
    def shown_commands(self, obj: KeyValueHour) -> str:
        """Since the look before."""
        return number(obj.commands)

    @display(description=_("memory"))
    def shown_memory(self, obj: KeyValueHour) -> str:
        """In megabytes."""
        return f"{number(obj.memory_bytes / 10**6, 1)} MB"

    @display(description=_("cost in cents"))
    def shown_cost(self, obj: KeyValueHour) -> str:
        """By the prices in the settings."""
        return f"{obj.cost:.4f}"


@admin.register(CostForecast)
class CostForecastAdmin(StaffModelAdmin):
    """Forecasts of thirty days, and how they turned out."""

    ordering = ("-first",)
    empty_text = _(
        "The first is made on a Monday, once four weeks of costs were collected; then one comes each Monday."
    )
    empty_jobs = ("cost_prediction",)
    list_display = ("__str__", "shown_expected", "shown_range", "shown_actual")
    list_before_template = None
    search_help_text = _("Paste a cfc_… id")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("__str__", "made"),
                    ("shown_expected", "shown_range"),
                    ("shown_known", "days_seen"),
                    ("shown_actual", "full_id"),
                    "method",
                )
            },
        ),
    )

    @display(description=_("expected"))
    def shown_expected(self, obj: CostForecast) -> str:
        """As money."""
        return dollars(obj.expected)

    @display(description=_("range"))
    def shown_range(self, obj: CostForecast) -> str:
        """Four of five should lie in it."""
        return f"{dollars(obj.low)} … {dollars(obj.high)}"

    @display(description=_("of it known bills"))
    def shown_known(self, obj: CostForecast) -> str:
        """What staff entered."""
        return dollars(obj.known)

    @display(description=_("what it was"))
    def shown_actual(self, obj: CostForecast) -> str:
        """With whether that lies in the range."""
        return NOTHING if obj.actual is None else tag(dollars(obj.actual), "ok" if obj.held else "bad")

    @display(description=_("made"))
    def made(self, obj: CostForecast) -> str:
        """When."""
        return when(obj.made_at)
