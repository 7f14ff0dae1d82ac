"""Alarms, and each message about them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffInline, StaffModelAdmin, button
from apps.core.kinds import AlertType
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import json_block, list_url, row_link, state_tag, tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, PeriodFilter
from apps.core.templatetags.levqor import duration, number
from apps.notifications.admin.base import ALERT_TONES, DELIVERY_TONES
from apps.notifications.models import Alert, AlertDelivery
from apps.notifications.services.alerts import acknowledge, resolve_by_hand
from apps.notifications.services.sending import resend

CHANGE = "notifications.change_alert"
OPEN, NEW, OVER = "open", "new", "over"
AGAIN = (AlertDelivery.State.DEAD, AlertDelivery.State.SENT)


class TypeFilter(KnownValuesFilter):
    """By type, from the registry."""

    title = _("type")
    parameter_name = "code"

    def options(self) -> Iterable[tuple[str, Any]]:
        """From the registry."""
        return [(kind.code, kind.label) for kind in registry(AlertType).all()]


class StateFilter(KnownValuesFilter):
    """What goes on, what nobody looks after, what is over."""

    title = _("state")
    parameter_name = "state"

    def options(self) -> Iterable[tuple[str, Any]]:
        """Three."""
        return [(OPEN, _("open")), (NEW, _("open, not acknowledged")), (OVER, _("over"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Django's hook."""
        if not self.value():
            return queryset
        found = queryset.filter(resolved_at__isnull=self.value() != OVER)
        return found.filter(acknowledged_at__isnull=True) if self.value() == NEW else found


class DeliveryColumns:
    """What the list of messages and an alarm's page both show of one."""

    @display(description=_("state"))
    def shown_state(self, obj: AlertDelivery) -> str:
        """In words and colour."""
        return state_tag(obj, DELIVERY_TONES)

    @display(description=_("sent"))
    def sent(self, obj: AlertDelivery) -> str:
        """When."""
        return when(obj.sent_at)


class DeliveryInline(DeliveryColumns, StaffInline):
    """Who was told what."""

    model = AlertDelivery
    fields = ("shown_kind", "channel_name", "shown_state", "attempts", "sent", "last_error")
    readonly_fields = fields

    @display(description=_("what"))
    def shown_kind(self, obj: AlertDelivery) -> str:
        """Leads to the message."""
        return row_link(obj, obj.get_kind_display())


@admin.register(Alert)
class AlertAdmin(StaffModelAdmin):
    """What went wrong, from its first sign until it was over."""

    list_display = ("title", "shown_severity", "shown_state", "subject", "seen", "began", "lasted")
    list_filter = (
        PeriodFilter,
        StateFilter,
        ("severity", ChoicesDropdownFilter),
        TypeFilter,
        ("began_at", DaysFilter),
    )
    list_defer = ("detail", "data")
    list_select_related = ("acknowledged_by",)
    search_fields = ("subject__exact", "code__exact")
    search_help_text = _("Subject, type or alert_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("shown_severity", "shown_state"),
                    ("code", "subject"),
                    ("began", "last_seen"),
                    ("over", "lasted"),
                    ("seen", "shown_episode", "returned"),
                    ("acknowledged", "acknowledged_link"),
                    "full_id",
                )
            },
        ),
        (_("Words"), {"fields": ("shown_detail",)}),
        (_("Data"), {"fields": ("shown_data",)}),
    )
    inlines = (DeliveryInline,)
    staff_actions = (
        StaffAction(
            name="acknowledge",
            label=_("Acknowledge"),
            question=_("You look after it: it is not told further and not said again."),
            permission=CHANGE,
            do=lambda request, row: acknowledge(row, request.user),
            icon="visibility",
            audit="alert.acknowledged",
            applies=lambda row: row.is_open and row.acknowledged_at is None,
        ),
        StaffAction(
            name="resolve",
            label=_("It is over"),
            question=_("The channels that were told of it are told so. What still sees it raises it again."),
            permission=CHANGE,
            do=lambda request, row: resolve_by_hand(row),
            icon="task_alt",
            audit="alert.resolved_by_hand",
            applies=lambda row: row.is_open,
        ),
    )

    @display(description=_("severity"))
    def shown_severity(self, obj: Alert) -> str:
        """In words and colour."""
        return state_tag(obj, ALERT_TONES, "severity")

    @display(description=_("state"))
    def shown_state(self, obj: Alert) -> str:
        """Whether it goes on, and whether somebody looks after it."""
        if not obj.is_open:
            return tag(_("over"), "ok")
        return tag(_("acknowledged"), "wait") if obj.acknowledged_at else tag(_("open"), "bad")

    @display(description=_("times seen"))
    def seen(self, obj: Alert) -> str:
        """How often."""
        return number(obj.times)

    @display(description=_("times begun"))
    def shown_episode(self, obj: Alert) -> str:
        """How often it came back."""
        return number(obj.episode)

    @display(description=_("began"))
    def began(self, obj: Alert) -> str:
        """The first sign."""
        return when(obj.began_at)

    @display(description=_("came back"))
    def returned(self, obj: Alert) -> str:
        """The last time."""
        return when(obj.returned_at)

    @display(description=_("last seen"))
    def last_seen(self, obj: Alert) -> str:
        """The newest sign."""
        return when(obj.last_at)

    @display(description=_("over since"))
    def over(self, obj: Alert) -> str:
        """The end."""
        return when(obj.resolved_at)

    @display(description=_("lasted"))
    def lasted(self, obj: Alert) -> str:
        """From the first sign to the end; nothing while it goes on, or where it has no length."""
        over = obj.resolved_at
        return duration(over - obj.began_at if over and over > obj.began_at else None)

    @display(description=_("acknowledged"))
    def acknowledged(self, obj: Alert) -> str:
        """When."""
        return when(obj.acknowledged_at)

    @display(description=_("by"))
    def acknowledged_link(self, obj: Alert) -> str:
        """Who."""
        return row_link(obj.acknowledged_by)

    @display(description=_("detail"))
    def shown_detail(self, obj: Alert) -> str:
        """As it was told."""
        return text_block(obj.detail)

    @display(description=_("data"))
    def shown_data(self, obj: Alert) -> str:
        """What its words were made of."""
        return json_block(obj.data)


@admin.register(AlertDelivery)
class AlertDeliveryAdmin(DeliveryColumns, StaffModelAdmin):
    """The outbox of alarms."""

    list_display = ("title", "shown_kind", "channel_name", "shown_state", "attempts", "created", "sent")
    list_filter = (
        PeriodFilter,
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("severity", ChoicesDropdownFilter),
        ("created_at", DaysFilter),
    )
    list_defer = ("detail",)
    lookups = ("channel_key",)
    search_fields = ("channel_name__exact",)
    search_help_text = _("Name of a channel, or ring_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("alert_link", "shown_kind"),
                    ("channel_name", "shown_state"),
                    ("attempts", "resent"),
                    ("created", "sent"),
                    ("due", "held"),
                    "uncertain",
                    "full_id",
                )
            },
        ),
        (_("Words"), {"fields": ("title", "shown_detail")}),
        (_("Why it was not sent"), {"fields": ("shown_error",)}),
    )
    staff_actions = (
        StaffAction(
            name="send-again",
            label=_("Send again"),
            question=_("The channel gets this message once more, with a fresh number of attempts."),
            permission="notifications.change_alertdelivery",
            do=lambda request, row: resend(row),
            icon="replay",
            audit="alert.sent_again",
            applies=lambda row: row.state in AGAIN,
        ),
    )

    def links(self, request: HttpRequest, row: AlertDelivery) -> list[dict[str, Any]]:
        """To all that this channel was told."""
        return [button(_("This channel"), list_url(AlertDelivery, channel_key=row.channel_key), "list")]

    @display(description=_("alarm"))
    def alert_link(self, obj: AlertDelivery) -> str:
        """What it is about."""
        return row_link(obj.alert)

    @display(description=_("what"))
    def shown_kind(self, obj: AlertDelivery) -> str:
        """In words."""
        return str(obj.get_kind_display())

    @display(description=_("next try"))
    def due(self, obj: AlertDelivery) -> str:
        """While it waits."""
        return when(obj.due_at if obj.state == AlertDelivery.State.PENDING else None)

    @display(description=_("detail"))
    def shown_detail(self, obj: AlertDelivery) -> str:
        """As it is told."""
        return text_block(obj.detail)

    @display(description=_("last error"))
    def shown_error(self, obj: AlertDelivery) -> str:
        """All of it."""
        return text_block(obj.last_error)
