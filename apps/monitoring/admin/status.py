"""Incidents, maintenance, their templates, and who gets mail."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import linebreaksbr
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import at, state_tag, tag, when
from apps.core.staff.lists import KnownValuesFilter
from apps.monitoring.models import (
    Incident,
    IncidentComponent,
    IncidentTemplate,
    IncidentUpdate,
    StatusSubscriber,
)
from apps.monitoring.services import incidents
from apps.monitoring.status.staff_forms import (
    CancelForm,
    NewIncidentForm,
    TemplateForm,
    UpdateForm,
    component_names,
    effects_of,
)

TONES = {"minor": "wait", "major": "bad", "critical": "bad", "maintenance": "go"}
STATES = {"resolved": "ok", "completed": "ok", "monitoring": "go", "in_progress": "go", "scheduled": "go"}


def _update(_request: HttpRequest, row: Incident, data: dict[str, Any]) -> None:
    effects = None if row.is_maintenance else effects_of(data)
    incidents.post_update(row, data["state"], data["words"], effects=effects)


def _cancel(_request: HttpRequest, row: Incident, data: dict[str, Any]) -> None:
    incidents.cancel_maintenance(row, data["words"])


class OpenFilter(KnownValuesFilter):
    """What is going on, and what is over."""

    title = _("open")
    parameter_name = "open"

    def options(self) -> Iterable[tuple[str, Any]]:
        """Yes and no."""
        return [("yes", _("Open")), ("no", _("Over"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        chosen = self.value()
        return queryset.filter(over_at__isnull=chosen == "yes") if chosen else queryset


class UpdatesInline(StaffInline):
    """What was told, the newest first."""

    model = IncidentUpdate
    fields = ("told", "shown_state", "shown_words", "told_by", "mailed")
    ordering = ("-pk",)

    @display(description=_("told"))
    def told(self, obj: IncidentUpdate) -> str:
        """When."""
        return at(obj.told_at)

    @display(description=_("state"))
    def shown_state(self, obj: IncidentUpdate) -> str:
        """How far it was."""
        return state_tag(obj, STATES)

    @display(description=_("what is told"))
    def shown_words(self, obj: IncidentUpdate) -> str:
        """Line by line, as people read it."""
        return linebreaksbr(obj.words)

    @display(description=_("by"))
    def told_by(self, obj: IncidentUpdate) -> str:
        """Who: nobody of staff is no fault."""
        return tag(_("staff") if obj.by_staff else _("the platform"))

    @display(description=_("mailed"))
    def mailed(self, obj: IncidentUpdate) -> str:
        """When all who subscribed had it."""
        return at(obj.mailed_at)


class ComponentsInline(StaffInline):
    """What it does to which component."""

    model = IncidentComponent
    fields = ("named", "effect")

    @display(description=_("component"))
    def named(self, obj: IncidentComponent) -> str:
        """As the status page calls it."""
        return dict(component_names()).get(obj.component, obj.component)


@admin.register(Incident)
class IncidentAdmin(StaffModelAdmin):
    """What the status page tells: opened here or by the probes, and told on by updates."""

    list_display = ("title", "shown_kind", "shown_state", "shown_impact", "began", "over")
    list_filter = (OpenFilter, ("kind", ChoicesDropdownFilter), ("automatic", BooleanRadioFilter))
    list_before_template = None
    search_fields = ("title",)
    search_help_text = _("inc_… or words of the title")
    inlines = (UpdatesInline, ComponentsInline)
    add_fieldsets = (
        (None, {"fields": ("kind", "title", "words", "affected", "effect")}),
        (_("Maintenance"), {"fields": ("starts_at", "ends_at"), "description": _("Times are in UTC.")}),
    )
    staff_actions = (
        StaffAction(
            name="update",
            label=_("Post an update"),
            told=_("The update is on the status page, and goes by mail to everybody who subscribed."),
            question=_("It goes to the page at once, and by mail to everybody who subscribed."),
            permission="monitoring.change_incident",
            do=_update,
            icon="campaign",
            audit="status.incident_updated",
            applies=lambda row: not row.is_over,
            form=UpdateForm,
        ),
        StaffAction(
            name="cancel",
            label=_("Cancel the maintenance"),
            question=_("It goes to the page at once, and by mail to everybody who subscribed. It can't be taken back."),
            permission="monitoring.change_incident",
            do=_cancel,
            icon="event_busy",
            audit="status.maintenance_cancelled",
            applies=lambda row: row.can_be_cancelled,
            danger=True,
            form=CancelForm,
        ),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may add one."""
        return bool(request.user.has_perm("monitoring.add_incident"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one is filled in. Only maintenance has times that were announced, only what is over an end."""
        if obj is None:
            return self.add_fieldsets
        times = ("starts", "ends") if obj.is_maintenance else ("began_on",)
        ended = ("over_on",) if obj.is_over else ()
        rows = (("title", "full_id"), ("shown_kind", "opened_by"), ("shown_state", "shown_impact"), (*times, *ended))
        return ((None, {"fields": rows}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A new one is filled in."""
        return super().get_readonly_fields(request, obj) if obj else []

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Django's hook."""
        if obj is None:
            kwargs |= {"form": NewIncidentForm, "fields": NewIncidentForm.Meta.fields}
        return super().get_form(request, obj, change, **kwargs)

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """A new one has none."""
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Incident, form: Any, change: bool) -> None:
        """Opened or announced by its service, which tells people."""
        given = form.cleaned_data
        if given["kind"] == Incident.Kind.MAINTENANCE:
            made = incidents.announce_maintenance(
                given["title"],
                given["words"],
                given["affected"],
                starts_at=given["starts_at"],
                ends_at=given["ends_at"],
            )
            code = "status.maintenance_announced"
        else:
            made = incidents.open_incident(given["title"], given["words"], form.effects())
            code = "status.incident_opened"
        obj.pk, obj.state, obj.impact = made.pk, made.state, made.impact
        obj._state.adding = False
        self.admin_site.record(code, target=made, data=incidents.staff_data(made))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Done by the service already."""

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """Recorded already."""

    def links(self, request: HttpRequest, row: Incident) -> list[dict[str, Any]]:
        """To the page that everybody sees."""
        return [button(_("On the status page"), reverse("status_incident", args=[row.public_id]), "open_in_new")]

    @display(description=_("kind"))
    def shown_kind(self, obj: Incident) -> str:
        """Which of the two."""
        return tag(obj.get_kind_display())

    @display(description=_("state"))
    def shown_state(self, obj: Incident) -> str:
        """How far it is."""
        return state_tag(obj, STATES)

    @display(description=_("impact"))
    def shown_impact(self, obj: Incident) -> str:
        """How bad it is."""
        return state_tag(obj, TONES, "impact")

    @display(description=_("began"))
    def began(self, obj: Incident) -> str:
        """When."""
        return when(obj.began_at)

    @display(description=_("over since"))
    def over(self, obj: Incident) -> str:
        """When, if it is."""
        return when(obj.over_at)

    @display(description=_("began"))
    def began_on(self, obj: Incident) -> str:
        """When, to the minute."""
        return at(obj.began_at)

    @display(description=_("over since"))
    def over_on(self, obj: Incident) -> str:
        """When, to the minute."""
        return at(obj.over_at)

    @display(description=_("opened by"))
    def opened_by(self, obj: Incident) -> str:
        """Who: staff is no fault."""
        return tag(_("the probes") if obj.automatic else _("staff"))

    @display(description=_("starts"))
    def starts(self, obj: Incident) -> str:
        """Of maintenance."""
        return at(obj.starts_at)

    @display(description=_("ends"))
    def ends(self, obj: Incident) -> str:
        """Of maintenance."""
        return at(obj.ends_at)


@admin.register(IncidentTemplate)
class IncidentTemplateAdmin(StaffModelAdmin):
    """Words to begin with."""

    form = TemplateForm
    list_display = ("name", "state", "title")
    list_before_template = None
    search_fields = ("name", "title")
    search_help_text = _("Search by name")
    ordering = ("name",)
    editable = ("name", "title", "state", "words")
    fieldsets = ((None, {"fields": (("name", "state"), "title", "words")}),)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whoever may add one."""
        return bool(request.user.has_perm("monitoring.add_incidenttemplate"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing depends on them."""
        return bool(request.user.has_perm("monitoring.delete_incidenttemplate"))


@admin.register(StatusSubscriber)
class StatusSubscriberAdmin(StaffModelAdmin):
    """Who gets mail about incidents, and who was asked and has not answered."""

    empty_text = _("People subscribe on the status page and confirm it by mail.")
    list_display = ("email", "asked", "confirmed")
    list_before_template = None
    search_fields = ("email__exact",)
    search_help_text = _("The whole address, or sub_…")
    fieldsets = ((None, {"fields": (("email", "full_id"), ("asked", "confirmed"))}),)

    @display(description=_("asked"))
    def asked(self, obj: StatusSubscriber) -> str:
        """When the address was asked to confirm."""
        return when(obj.asked_at)

    @display(description=_("confirmed"))
    def confirmed(self, obj: StatusSubscriber) -> str:
        """When it was confirmed."""
        return when(obj.confirmed_at)
