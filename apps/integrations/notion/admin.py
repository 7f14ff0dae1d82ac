"""Tables at Notion and their pages, for staff: how they stand, why one failed, and once more."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.staff.actions import StaffAction
from apps.core.staff.display import NOTHING, json_block, link, list_url, row_url, state_tag, text_block, when
from apps.integrations.models import NotionPage, NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.tables import contribution_of

TABLE_TONES = {"missing": "wait", "ready": "ok", "failed": "bad"}
PAGE_TONES = {"pending": "wait", "sending": "go", "synced": "ok", "failed": "bad"}


@admin.register(NotionTable)
class NotionTableAdmin(StaffModelAdmin):
    """One row for each table that an app keeps or follows."""

    list_display = ("table_title", "direction", "shown_state", "attempts", "set_up", "synced", "due")
    list_filter = (("state", ChoicesDropdownFilter), ("direction", ChoicesDropdownFilter))
    list_before_template = None
    ordering = ("direction", "title")
    search_fields = ("title__icontains",)
    search_help_text = _("Title")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("table_title", "shown_state"),
                    ("name", "direction"),
                    ("set_up", "synced"),
                    ("seen", "due"),
                    ("database_id", "data_source_id"),
                    ("attempts", "held_until"),
                    "shown_error",
                )
            },
        ),
    )
    staff_actions = (
        StaffAction(
            name="sync-now",
            label=_("Sync now"),
            question=_("A worker compares the table and brings or fetches what differs."),
            permission="integrations.change_notiontable",
            do=lambda request, row: syncing.order_sync(row),
            icon="sync",
            audit="notion.table_synced",
            applies=lambda row: contribution_of(row) is not None,
        ),
    )

    def links(self, request: HttpRequest, row: NotionTable) -> list[dict[str, Any]]:
        """To its pages, and to Notion."""
        found = [button(_("Pages"), list_url(NotionPage, table=row.pk), "list")]
        if row.url:
            found.append(button(_("Open in Notion"), row.url, "open_in_new"))
        return found

    @display(description=_("table"))
    def table_title(self, obj: NotionTable) -> str:
        """As it is called there."""
        return obj.title

    @display(description=_("state"))
    def shown_state(self, obj: NotionTable) -> str:
        """In words and colour."""
        return state_tag(obj, TABLE_TONES)

    @display(description=_("set up"))
    def set_up(self, obj: NotionTable) -> str:
        """When its columns were made sure of."""
        return when(obj.provisioned_at)

    @display(description=_("last synced"))
    def synced(self, obj: NotionTable) -> str:
        """When all of it was there."""
        return when(obj.synced_at)

    @display(description=_("latest change seen"))
    def seen(self, obj: NotionTable) -> str:
        """Of a table that we follow."""
        return when(obj.seen_until)

    @display(description=_("next try"))
    def due(self, obj: NotionTable) -> str:
        """Outside of the hourly job."""
        return when(obj.due_at)

    @display(description=_("a worker has it until"))
    def held_until(self, obj: NotionTable) -> str:
        """While it is synced."""
        return when(obj.lease_until)

    @display(description=_("last error"))
    def shown_error(self, obj: NotionTable) -> str:
        """Why it was not synced."""
        return text_block(obj.last_error)


@admin.register(NotionPage)
class NotionPageAdmin(StaffModelAdmin):
    """What should be a page at Notion, or is one that we follow."""

    list_display = ("external_id", "table_link", "shown_state", "attempts", "error_line", "due", "synced")
    list_filter = (("state", ChoicesDropdownFilter),)
    list_select_related = ("table",)
    list_before_template = None
    list_defer = ("values",)
    lookups = ("table",)
    search_fields = ("external_id__exact", "page_id__exact")
    search_help_text = _("External id or Notion's id, whole")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("external_id", "shown_state"),
                    ("table_link", "page_id"),
                    ("attempts", "due"),
                    "synced",
                    "shown_error",
                )
            },
        ),
        (_("On its way"), {"fields": ("shown_values",)}),
    )
    staff_actions = (
        StaffAction(
            name="try-again",
            label=_("Try again"),
            question=_("A worker tries it once more, with a fresh number of attempts."),
            permission="integrations.change_notionpage",
            do=lambda request, row: syncing.retry_page(row),
            icon="replay",
            audit="notion.page_retried",
            applies=lambda row: row.state == NotionPage.State.FAILED,
        ),
    )

    def links(self, request: HttpRequest, row: NotionPage) -> list[dict[str, Any]]:
        """To Notion."""
        if not row.page_id:
            return []
        return [button(_("Open in Notion"), f"https://www.notion.so/{row.page_id.replace('-', '')}", "open_in_new")]

    @display(description=_("table"))
    def table_link(self, obj: NotionPage) -> str:
        """Which it belongs to."""
        return link(row_url(obj.table), obj.table.title)

    @display(description=_("state"))
    def shown_state(self, obj: NotionPage) -> str:
        """In words and colour."""
        return state_tag(obj, PAGE_TONES)

    @display(description=_("error"))
    def error_line(self, obj: NotionPage) -> str:
        """Short."""
        return obj.last_error[:80] or NOTHING

    @display(description=_("last error"))
    def shown_error(self, obj: NotionPage) -> str:
        """All of it."""
        return text_block(obj.last_error)

    @display(description=_("next try"))
    def due(self, obj: NotionPage) -> str:
        """While it waits."""
        return when(obj.due_at if obj.state == NotionPage.State.PENDING else None)

    @display(description=_("synced"))
    def synced(self, obj: NotionPage) -> str:
        """When it was there."""
        return when(obj.synced_at)

    @display(description=_("values"))
    def shown_values(self, obj: NotionPage) -> str:
        """What goes out; nothing once it is there."""
        return json_block(obj.values) if obj.values else NOTHING
