"""What people were told."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin
from apps.core.kinds import NoticeType
from apps.core.registry import registry
from apps.core.staff.display import row_link, tag, text_block, when
from apps.core.staff.lists import DaysFilter, KnownValuesFilter, LastWeekFilter
from apps.notifications.models import Notification


class TypeFilter(KnownValuesFilter):
    """By type, from the registry."""

    title = _("type")
    parameter_name = "code"

    def options(self) -> Iterable[tuple[str, Any]]:
        """From the registry."""
        return [(kind.code, kind.label) for kind in registry(NoticeType).all()]


@admin.register(Notification)
class NotificationAdmin(StaffModelAdmin):
    """The inboxes of customers, to look at."""

    list_display = ("title", "shown_type", "user_link", "organization_link", "ways", "created", "read")
    list_filter = (
        LastWeekFilter,
        TypeFilter,
        ("organization", AutocompleteSelectFilter),
        ("user", AutocompleteSelectFilter),
        ("created_at", DaysFilter),
    )
    list_select_related = ("user", "organization")
    list_defer = ("body",)
    search_fields = ("user__email__exact",)
    search_help_text = _("Address of a person, or ntf_…")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("user_link", "organization_link"),
                    ("shown_type", "ways"),
                    ("created", "read"),
                    "full_id",
                )
            },
        ),
        (_("Words"), {"fields": ("title", "shown_body", "url")}),
    )

    def get_queryset(self, request: Any) -> Any:
        """Of all organizations: this is the administration."""
        return Notification.objects.unscoped()

    @display(description=_("type"))
    def shown_type(self, obj: Notification) -> str:
        """In words."""
        kind = registry(NoticeType).find(obj.code)
        return str(kind.label) if kind else obj.code

    @display(description=_("person"))
    def user_link(self, obj: Notification) -> str:
        """Who was told."""
        return row_link(obj.user)

    @display(description=_("ways"))
    def ways(self, obj: Notification) -> str:
        """In the inbox, by mail, or neither."""
        ways = [str(word) for there, word in ((obj.in_app, _("inbox")), (obj.mailed, _("mail"))) if there]
        return tag(" + ".join(ways), "ok") if ways else tag(_("switched off"))

    @display(description=_("read"))
    def read(self, obj: Notification) -> str:
        """When."""
        return when(obj.read_at)

    @display(description=_("body"))
    def shown_body(self, obj: Notification) -> str:
        """As it was told."""
        return text_block(obj.body)
