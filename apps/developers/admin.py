"""Guides that came from Notion, for staff: what is shown, and why a page is not."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.core.admin_base import StaffModelAdmin, button
from apps.core.staff.display import NOTHING, tag, text_block, when
from apps.developers.models import NotionGuide


@admin.register(NotionGuide)
class NotionGuideAdmin(StaffModelAdmin):
    """One row for each page of “Dev Docs”."""

    list_display = ("guide", "slug", "shown_state", "position", "received", "error_line")
    list_filter = ("published",)
    list_before_template = None
    list_defer = ("source",)
    search_fields = ("slug__exact", "page_id__exact")
    search_help_text = _("Slug or Notion's id, whole")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("guide", "shown_state"),
                    ("slug", "position"),
                    ("received", "since"),
                    ("page_id",),
                    "shown_problem",
                )
            },
        ),
        (_("As it is shown"), {"fields": ("text",)}),
    )

    def links(self, request: HttpRequest, row: NotionGuide) -> list[dict[str, Any]]:
        """To the guide and to Notion."""
        found = []
        if row.published and row.slug:
            found.append(button(_("Open the guide"), reverse("dev_guide", args=[row.slug]), "menu_book"))
        if row.link:
            found.append(button(_("Open in Notion"), row.link, "open_in_new"))
        return found

    @display(description=_("guide"))
    def guide(self, obj: NotionGuide) -> str:
        """Its title."""
        return str(obj)

    @display(description=_("state"))
    def shown_state(self, obj: NotionGuide) -> str:
        """Whether it is among the guides, and as what."""
        if obj.problem:
            return tag(_("Earlier version shown") if obj.published else _("Not shown"), "bad")
        return tag(_("Published"), "ok") if obj.published else tag(_("Draft"), "wait")

    @display(description=_("received"))
    def received(self, obj: NotionGuide) -> str:
        """When it came last."""
        return when(obj.received_at)

    @display(description=_("this version since"))
    def since(self, obj: NotionGuide) -> str:
        """Of what is shown."""
        return when(obj.shown_since)

    @display(description=_("problem"))
    def error_line(self, obj: NotionGuide) -> str:
        """Short."""
        return obj.problem[:80] or NOTHING

    @display(description=_("problem"))
    def shown_problem(self, obj: NotionGuide) -> str:
        """Why it can't be shown as it is."""
        return text_block(obj.problem)

    @display(description=_("text"))
    def text(self, obj: NotionGuide) -> str:
        """As Markdown."""
        return text_block(obj.source)
