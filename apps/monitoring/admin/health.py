"""What the verifier, the monitor and the nightly log saw."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, button
from apps.core.staff.display import NOTHING, at, json_block, row_url, state_tag, tag, when
from apps.monitoring.admin.shared import PagesAdmin
from apps.monitoring.health import board
from apps.monitoring.models import HealthResult, HealthRun

FILLED_BY = ("health_monitor", "expansion_verifier")
TONES = {"ok": "ok", "warning": "wait", "failed": "bad", "off": ""}


def _standing(*, ok: bool, warned: bool) -> SafeString:
    """How a look went in a word: what warns is no failure, and not healthy either."""
    if not ok:
        return tag(_("something failed"), "bad")
    return tag(_("with a warning"), "wait") if warned else tag(_("healthy"), "ok")


class HealthResultInline(StaffInline):
    """Each thing that was looked at."""

    model = HealthResult
    per_page = 100
    fields = ("label", "shown_state", "shown_change", "detail")
    verbose_name_plural = _("checks")

    @display(description=_("state"))
    def shown_state(self, obj: HealthResult) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("since the look before"))
    def shown_change(self, obj: HealthResult) -> str:
        """What it was, where it was otherwise."""
        return str(_("was: %(state)s") % {"state": obj.get_before_display()}) if obj.changed else NOTHING


@admin.register(HealthRun)
class HealthRunAdmin(PagesAdmin):
    """Looks at the system, the newest first."""

    ordering = ("-slot",)
    empty_text = _("All checks are looked at every six hours, and the verifier runs at 02:00 UTC.")
    empty_jobs = FILLED_BY
    list_display = ("shown_slot", "shown_kind", "shown_ok", "summary")
    list_filter = (("kind", ChoicesDropdownFilter),)
    search_help_text = _("Paste a hrun_… id")
    inlines = (HealthResultInline,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_kind", "shown_ok"),
                    ("shown_slot", "made"),
                    "summary",
                    "shown_figures",
                    "full_id",
                )
            },
        ),
    )

    def pages(self) -> Any:
        """How things are."""
        return (("board/", "monitoring_health", self.board_view),)

    def links(self, request: HttpRequest, row: Any) -> list[dict[str, Any]]:
        """On to how things are."""
        return [button(_("Health"), reverse("admin:monitoring_health"), "health_and_safety")]

    def board_view(self, request: HttpRequest) -> HttpResponse:
        """The newest looks, and what changed."""
        context = board.board()
        for run, results in ((context["monitor"], context["checks"]), (context["verifier"], context["verified"])):
            if run is not None:
                run.shown = _standing(ok=run.ok, warned=any(one.state == HealthResult.State.WARNING for one in results))
        for result in (*context["checks"], *context["verified"]):
            result.shown = state_tag(result, TONES)
        for result in context["changes"]:
            result.shown, result.staff_url = state_tag(result, TONES), row_url(result.run)
            result.was = state_tag(result, TONES, "before")
        looked = any(context[kind] for kind in ("monitor", "verifier", "log"))
        return self.page(request, "health.html", _("Health"), fill_jobs=() if looked else FILLED_BY, **context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[HealthRun]:
        """Django's hook: with whether anything warned."""
        warnings = HealthResult.objects.filter(run=OuterRef("pk"), state=HealthResult.State.WARNING)
        rows: QuerySet[HealthRun] = super().get_queryset(request)
        return rows.annotate(warned=Exists(warnings))

    @display(description=_("of"))
    def shown_slot(self, obj: HealthRun) -> str:
        """The time that it is of."""
        return at(obj.slot)

    @display(description=_("kind"))
    def shown_kind(self, obj: HealthRun) -> str:
        """In words."""
        return str(obj.get_kind_display())

    @display(description=_("healthy"))
    def shown_ok(self, obj: Any) -> str:
        """Whether nothing failed, nor warned."""
        return _standing(ok=obj.ok, warned=obj.warned)

    @display(description=_("made"))
    def made(self, obj: HealthRun) -> str:
        """When it was really looked at."""
        return when(obj.made_at)

    @display(description=_("figures"))
    def shown_figures(self, obj: HealthRun) -> str:
        """The day's trouble in numbers."""
        return json_block(obj.figures)
