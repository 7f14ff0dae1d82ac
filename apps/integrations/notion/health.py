"""What `manage.py doctor` says about Notion."""

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.kinds import Checked
from apps.integrations.notion import connection
from apps.integrations.notion.syncing import JOB_LASTS
from apps.integrations.notion.tables import backlog

NOT_SET_UP = gettext_lazy("Notion is not set up: nothing goes there (NOTION_TOKEN and NOTION_PARENT_PAGE).")


def reached() -> Checked:
    """Whether Notion takes our token and shows us the page that all tables lie under: asked of Notion itself."""
    if not connection.is_set_up():
        return "off", str(NOT_SET_UP)
    try:
        next(connection.notion().databases_under(settings.NOTION_PARENT_PAGE), None)
    except DomainError as error:
        return "failed", str(error.detail or error.title)
    return "ok", _("Notion answers.")


def notion() -> Checked:
    """Whether the tables there are kept up to date. What nobody set up is no fault. Nothing is asked of Notion here."""
    if not connection.is_set_up():
        return "off", str(NOT_SET_UP)
    seen = backlog()
    if seen["tables"]:
        words = ngettext(
            "%(tables)d table at Notion could not be synced; the administration says why.",
            "%(tables)d tables at Notion could not be synced; the administration says why.",
            seen["tables"],
        )
        return "failed", words % seen
    if seen["oldest"] is not None and now() - seen["oldest"] > JOB_LASTS:
        words = ngettext(
            "%(waiting)d page has waited for Notion too long: is a worker running?",
            "%(waiting)d pages have waited for Notion too long: is a worker running?",
            seen["waiting"],
        )
        return "failed", words % seen
    if seen["failed"]:
        words = ngettext(
            "%(failed)d page was refused by Notion; staff can try it again.",
            "%(failed)d pages were refused by Notion; staff can try them again.",
            seen["failed"],
        )
        return "warning", words % seen
    if connection.is_fake():
        return "warning", _("Tables are kept at the address in NOTION_API_URL, which is not Notion's own.")
    return "ok", _("Tables at Notion are kept up to date; pages that wait: %(waiting)d.") % seen
