"""What `manage.py doctor` says about Notion."""

from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.kinds import Checked
from apps.integrations.notion import connection
from apps.integrations.notion.syncing import JOB_LASTS
from apps.integrations.notion.tables import backlog


def notion() -> Checked:
    """Whether the tables there are kept up to date. What nobody set up is no fault. Nothing is asked of Notion here."""
    if not connection.is_set_up():
        return "off", _("Notion is not set up: nothing goes there (NOTION_TOKEN and NOTION_PARENT_PAGE).")
    seen = backlog()
    if seen["tables"]:
        return "failed", _("%(tables)d tables at Notion could not be synced; the administration says why.") % seen
    if seen["oldest"] is not None and now() - seen["oldest"] > JOB_LASTS:
        return "failed", _("%(waiting)d pages wait for Notion since long: is a worker running?") % seen
    if seen["failed"]:
        return "warning", _("%(failed)d pages were refused by Notion; staff can try them again.") % seen
    if connection.is_fake():
        return "warning", _("Tables are kept at the address in NOTION_API_URL, which is not Notion's own.")
    return "ok", _("Tables at Notion are kept up to date; %(waiting)d pages wait.") % seen
