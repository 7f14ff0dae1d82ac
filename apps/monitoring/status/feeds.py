"""The history as an Atom feed."""

from datetime import datetime
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.monitoring.models import Incident
from apps.monitoring.status.summary import Shown, summary
from apps.monitoring.status.words import readable


class HistoryFeed(Feed):
    """What is open, what is announced, and what was in the last two weeks; from the same copy as the page."""

    feed_type = Atom1Feed
    title = "Levqor Status"
    link = "/status"

    @method_decorator(require_safe)
    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().__call__(request, *args, **kwargs)
        response["Cache-Control"] = "public, max-age=15, stale-if-error=86400"
        return response

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Shown:
        """What there is now."""
        return summary()

    def subtitle(self) -> str:
        """What is told here."""
        return _("Incidents and maintenance")

    def items(self, shown: Shown) -> list[dict[str, Any]]:
        """The one that was told of last comes first."""
        value = shown.value
        known = [*value["incidents"], *value["maintenances"], *value["recent"]]
        return sorted(known, key=lambda one: str(one["updated_at"]), reverse=True)

    def item_title(self, item: dict[str, Any]) -> str:
        """The incident's."""
        return readable(str(item["name"]))

    def item_description(self, item: dict[str, Any]) -> str:
        """Each step, the newest first."""
        labels = dict(Incident.State.choices)
        steps = (
            (told["created_at"][:16].replace("T", " "), labels[told["status"]], readable(told["body"]))
            for told in item["incident_updates"]
        )
        return format_html(
            "{}", format_html_join("", "<p><small>{} UTC</small><br><strong>{}</strong> – {}</p>", steps)
        )

    def item_link(self, item: dict[str, Any]) -> str:
        """Its page."""
        return reverse("status_incident", args=[item["id"]])

    def item_pubdate(self, item: dict[str, Any]) -> datetime:
        """When it was told."""
        return datetime.fromisoformat(item["created_at"])

    def item_updateddate(self, item: dict[str, Any]) -> datetime:
        """When it was told of last."""
        return datetime.fromisoformat(item["updated_at"])
