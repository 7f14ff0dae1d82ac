"""What staff set up: channels, escalation, maintenance windows, words."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template import TemplateSyntaxError
from django.utils.html import format_html
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import button
from apps.core.clock import now
from apps.core.kinds import AlertType
from apps.core.registry import registry
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, at, list_url, state_tag, tag, text_block, when
from apps.notifications.admin.base import ALERT_TONES, SetUpAdmin
from apps.notifications.forms import ChannelForm, RuleForm, TemplateForm, WindowForm
from apps.notifications.models import AlertChannel, AlertDelivery, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.selectors import latest_values
from apps.notifications.services import windows
from apps.notifications.services.testing import order_test
from apps.notifications.wording import preview

CHANGE_CHANNEL = "notifications.change_alertchannel"
ALL = _("all")
BY_KIND = (
    ("bot_token", "chat"),
    ("slack", "room"),
    "mail",
    ("hook", "signing"),
    "other",
)


def patterns(found: list[str]) -> str:
    """A list of patterns in words."""
    return ", ".join(found) if found else str(ALL)


@admin.register(AlertChannel)
class AlertChannelAdmin(SetUpAdmin):
    """Where staff read alarms. Beside these there are those of ALERT_URLS."""

    form = ChannelForm
    list_display = ("name", "kind", "shown_url", "shown_severity", "shown_codes", "shown_state")
    list_filter = (("kind", ChoicesDropdownFilter), ("enabled", ChoicesDropdownFilter))
    search_fields = ("name__icontains",)
    search_help_text = _("Name or chan_…")
    ordering = ("name",)
    editable = ("name", "kind", "least_severity", "rings_from", "codes", "escalations_only", "enabled",
                "bot_token", "chat", "slack", "room", "mail", "hook", "signing", "other")  # fmt: skip
    conditional_fields = {
        "bot_token": "kind == 'telegram'",
        "chat": "kind == 'telegram'",
        "slack": "kind == 'slack'",
        "room": "kind == 'slack'",
        "mail": "kind == 'mail'",
        "hook": "kind == 'webhook'",
        "signing": "kind == 'webhook'",
        "other": "kind == 'other'",
    }
    new_fieldsets = (
        (None, {"fields": ("name", "kind", *BY_KIND)}),
        (_("What it is told"), {"fields": (("least_severity", "rings_from"), "codes", "escalations_only", "enabled")}),
    )
    fieldsets = (
        (None, {"fields": (("name", "shown_state"), ("shown_url", "failing"), "shown_error")}),
        (_("What it is told"), {"fields": (("least_severity", "rings_from"), "codes", "escalations_only", "enabled")}),
        (_("Another address"), {"fields": ("kind", *BY_KIND), "description": _("Left empty, the address stays.")}),
        (None, {"fields": (("created", "full_id"),)}),
    )
    staff_actions = (
        StaffAction(
            name="test",
            label=_("Send a test"),
            question=_("The channel gets a message. Whether it arrived is told under Deliveries within seconds."),
            permission=CHANGE_CHANNEL,
            do=lambda request, row: order_test(row),
            icon="send",
            audit="alert_channel.tested",
            told=_("The test is on its way: see Deliveries."),
            applies=lambda row: row.enabled,
        ),
    )

    def links(self, request: HttpRequest, row: AlertChannel) -> list[dict[str, Any]]:
        """To what it was told."""
        return [button(_("Deliveries"), list_url(AlertDelivery, channel_key=row.public_id), "outgoing_mail")]

    @display(description=_("from severity"))
    def shown_severity(self, obj: AlertChannel) -> str:
        """In words and colour."""
        return state_tag(obj, ALERT_TONES, "least_severity")

    @display(description=_("types"))
    def shown_codes(self, obj: AlertChannel) -> str:
        """Which, or that it is told of escalations alone."""
        return translated("escalations alone") if obj.escalations_only else patterns(obj.codes)

    @display(description=_("state"))
    def shown_state(self, obj: AlertChannel) -> str:
        """Whether it works."""
        if not obj.enabled:
            return tag(_("off"), "wait")
        return tag(_("failing"), "bad") if obj.failing_since else tag(_("on"), "ok")

    @display(description=_("failing since"))
    def failing(self, obj: AlertChannel) -> str:
        """When the first message was not taken."""
        return when(obj.failing_since)

    @display(description=_("last error"))
    def shown_error(self, obj: AlertChannel) -> str:
        """Why."""
        return text_block(obj.last_error)


@admin.register(EscalationRule)
class EscalationRuleAdmin(SetUpAdmin):
    """Whom else to tell of what nobody acknowledges."""

    form = RuleForm
    list_display = ("name", "shown_severity", "shown_codes", "after_minutes", "repeat_minutes", "shown_state")
    search_fields = ("name__icontains",)
    search_help_text = _("Name")
    ordering = ("after_minutes", "pk")
    editable = ("name", "least_severity", "codes", "after_minutes", "repeat_minutes", "channels", "enabled")
    new_fieldsets = fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    ("least_severity", "codes"),
                    ("after_minutes", "repeat_minutes"),
                    "channels",
                    "enabled",
                )
            },
        ),
    )

    @display(description=_("from severity"))
    def shown_severity(self, obj: EscalationRule) -> str:
        """In words and colour."""
        return state_tag(obj, ALERT_TONES, "least_severity")

    @display(description=_("types"))
    def shown_codes(self, obj: EscalationRule) -> str:
        """Which."""
        return patterns(obj.codes)

    @display(description=_("state"))
    def shown_state(self, obj: EscalationRule) -> str:
        """On or off."""
        return tag(_("on"), "ok") if obj.enabled else tag(_("off"), "wait")


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(SetUpAdmin):
    """Times in which alarms are recorded and not told."""

    form = WindowForm
    list_display = ("reason", "begins", "ends", "shown_codes", "shown_subjects", "shown_state")
    search_fields = ("reason__icontains",)
    search_help_text = _("Reason")
    ordering = ("-starts_at",)
    editable = ("reason", "starts_at", "ends_at", "codes", "subjects")
    new_fieldsets = fieldsets = (
        (
            None,
            {"fields": ("reason", "starts_at", "ends_at", "codes", "subjects"), "description": _("Times are in UTC.")},
        ),
    )
    staff_actions = (
        StaffAction(
            name="end",
            label=_("End it now"),
            question=_("What is still open and was held back is told at once."),
            permission="notifications.change_maintenancewindow",
            do=lambda request, row: windows.end_now(row),
            icon="stop_circle",
            audit="maintenance_window.ended",
            applies=lambda row: row.starts_at < now() < row.ends_at,
        ),
    )

    def save_model(self, request: HttpRequest, obj: MaintenanceWindow, form: Any, change: bool) -> None:
        """Through the service: what is held back is looked at anew."""
        windows.save(obj)

    def delete_model(self, request: HttpRequest, obj: MaintenanceWindow) -> None:
        """Through the service, for the same reason."""
        windows.delete(obj)

    @display(description=_("from"))
    def begins(self, obj: MaintenanceWindow) -> str:
        """In UTC."""
        return at(obj.starts_at)

    @display(description=_("to"))
    def ends(self, obj: MaintenanceWindow) -> str:
        """In UTC."""
        return at(obj.ends_at)

    @display(description=_("types"))
    def shown_codes(self, obj: MaintenanceWindow) -> str:
        """Which."""
        return patterns(obj.codes)

    @display(description=_("subjects"))
    def shown_subjects(self, obj: MaintenanceWindow) -> str:
        """Which."""
        return patterns(obj.subjects)

    @display(description=_("state"))
    def shown_state(self, obj: MaintenanceWindow) -> str:
        """To come, running or over."""
        if obj.ends_at <= now():
            return tag(_("over"))
        return tag(_("running"), "wait") if obj.starts_at <= now() else tag(_("to come"), "go")


@admin.register(AlertTemplate)
class AlertTemplateAdmin(SetUpAdmin):
    """Staff's own words for types of alarm."""

    form = TemplateForm
    list_display = ("shown_code", "title", "shown_state", "changed")
    search_fields = ("code__exact",)
    search_help_text = _("Type")
    ordering = ("code",)
    editable = ("code", "title", "detail")
    new_fieldsets = (
        (
            None,
            {
                "fields": ("code", "title", "detail"),
                "description": _(
                    "{{ subject }} and what the type's alarms hold (see one's data), as in Django's templates: if, "
                    "for, with, firstof and the common filters."
                ),
            },
        ),
    )
    fieldsets = (
        (None, {"fields": ("code", "title", "detail", "shown_state")}),
        (_("With the newest alarm of this type"), {"fields": ("shown_preview", "shown_own")}),
    )

    @display(description=_("type"))
    def shown_code(self, obj: AlertTemplate) -> str:
        """In words."""
        kind = registry(AlertType).find(obj.code)
        return str(kind.label) if kind else obj.code

    @display(description=_("state"))
    def shown_state(self, obj: AlertTemplate) -> str:
        """Whether it is in use."""
        if registry(AlertType).find(obj.code) is None:
            return tag(_("of no type any more"), "wait")
        if obj.broken:
            return format_html("{} {}", tag(_("broken"), "bad"), obj.broken)
        return tag(_("in use"), "ok")

    @display(description=_("changed"))
    def changed(self, obj: AlertTemplate) -> str:
        """When."""
        return when(obj.changed_at)

    @display(description=_("preview"))
    def shown_preview(self, obj: AlertTemplate) -> str:
        """With marks where it names what is not there."""
        try:
            title, detail = preview(obj.title, obj.detail, latest_values(obj.code))
        except (TemplateSyntaxError, ValueError) as error:
            return text_block(str(error))
        return text_block(f"{title}\n\n{detail}".strip())

    @display(description=_("words of the code"))
    def shown_own(self, obj: AlertTemplate) -> str:
        """What it stands in for."""
        kind = registry(AlertType).find(obj.code)
        return text_block(f"{kind.title}\n\n{kind.body}".strip()) if kind else NOTHING
