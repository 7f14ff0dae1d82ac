"""Domain events and what their handlers made of them."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core import events
from apps.core.admin_base import StaffInline, StaffModelAdmin
from apps.core.kinds import EventHandler, EventType
from apps.core.models import DomainEvent, EventDelivery
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import json_block, row_link, state_tag, tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, LastWeekFilter, OrganizationIdFilter

TONES = {"pending": "wait", "done": "ok", "dead": "bad"}
REPLAYED = "events.delivery_replayed"


class EventNameFilter(KnownValuesFilter):
    """By the kind of event, from the registry: no query reads the table for it."""

    title = _("event")
    parameter_name = "name"

    def options(self) -> Any:
        """From the registry."""
        return [(kind.name, kind.label) for kind in registry(EventType).all()]


class HandlerFilter(KnownValuesFilter):
    """By the consumer, from the registry."""

    title = _("handler")
    parameter_name = "handler"

    def options(self) -> Any:
        """From the registry."""
        return [(handler.key, handler.key) for handler in registry(EventHandler).all()]


class DeliveryColumns:
    """How a delivery stands, in its own list and in that of its event."""

    @display(description=_("state"))
    def shown_state(self, obj: EventDelivery) -> str:
        """In words and colour."""
        return state_tag(obj, TONES)

    @display(description=_("due"))
    def due(self, obj: EventDelivery) -> str:
        """The next try of one that is pending."""
        return when(obj.due_at if obj.state == EventDelivery.State.PENDING else None)

    @display(description=_("done"))
    def done(self, obj: EventDelivery) -> str:
        """When it was consumed."""
        return when(obj.done_at)


class DeliveryInline(DeliveryColumns, StaffInline):
    """The event's deliveries, one for each handler."""

    model = EventDelivery
    fields = ("handler_link", "shown_state", "attempts", "due", "done", "last_error")

    @display(description=_("handler"))
    def handler_link(self, obj: EventDelivery) -> str:
        """Its page."""
        return row_link(obj, obj.handler)


@admin.register(DomainEvent)
class DomainEventAdmin(StaffModelAdmin):
    """What happened, with its consumers."""

    list_display = ("short_id", "event", "organization_link", "delivered", "created")
    list_filter = (LastWeekFilter, EventNameFilter, OrganizationIdFilter, ("created_at", DaysFilter))
    list_defer = ("payload",)
    fieldsets = (
        (None, {"fields": ("full_id", "event", "organization_link", "request_id", "created")}),
        (_("Payload"), {"fields": ("shown_payload",)}),
    )
    inlines = (DeliveryInline,)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Each event with the number of its deliveries, and of those that are not done (an index on event)."""
        mine = EventDelivery.objects.filter(event=OuterRef("pk")).order_by().values("event")
        open_ones = mine.annotate(number=Count("pk", filter=~Q(state=EventDelivery.State.DONE))).values("number")
        every = mine.annotate(number=Count("pk")).values("number")
        return (
            super().get_queryset(request).annotate(deliveries_open=Subquery(open_ones), deliveries_all=Subquery(every))
        )

    @display(description=_("event"))
    def event(self, obj: DomainEvent) -> str:
        """Its name, with what it means on hover."""
        kind = registry(EventType).find(obj.name)
        return f"{kind.label} ({obj.name})" if kind else obj.name

    @display(description=_("deliveries"))
    def delivered(self, obj: Any) -> str:
        """How far its handlers are."""
        if not obj.deliveries_all:
            return tag(_("nobody listens"))
        if obj.deliveries_open:
            return tag(_("%(open)s of %(all)s open") % {"open": obj.deliveries_open, "all": obj.deliveries_all}, "wait")
        return tag(_("all %(all)s done") % {"all": obj.deliveries_all}, "ok")

    @display(description=_("payload"))
    def shown_payload(self, obj: DomainEvent) -> str:
        """As JSON."""
        return json_block(obj.payload)


@admin.register(EventDelivery)
class EventDeliveryAdmin(DeliveryColumns, StaffModelAdmin):
    """One handler's copy of one event; what was given up can be tried again."""

    list_display = ("handler", "event_link", "shown_state", "attempts", "due", "done", "error_start")
    list_filter = (LastWeekFilter, ("state", ChoicesDropdownFilter), HandlerFilter)
    list_select_related = ("event",)
    list_defer = ("event__payload",)
    fieldsets = (
        (None, {"fields": ("handler", "event_link", "shown_state", "attempts", "due", "done")}),
        (_("Last error"), {"fields": ("shown_error",)}),
    )
    staff_actions = (
        StaffAction(
            name="replay",
            label=_("Replay"),
            question=_("The handler gets the event once more, with a fresh number of attempts."),
            permission="core.change_eventdelivery",
            do=lambda request, row: events.replay(row),
            icon="replay",
            audit=REPLAYED,
            applies=lambda row: row.state == EventDelivery.State.DEAD,
        ),
    )

    @display(description=_("event"))
    def event_link(self, obj: EventDelivery) -> str:
        """The event."""
        return row_link(obj.event, obj.event.name)

    @display(description=_("last error"))
    def error_start(self, obj: EventDelivery) -> str:
        """The beginning of the error."""
        return obj.last_error[:80]

    @display(description=_("error"))
    def shown_error(self, obj: EventDelivery) -> str:
        """All of it."""
        return text_block(obj.last_error)
