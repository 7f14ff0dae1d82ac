"""What mail and inbox tell on the first page of the administration."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import AuditAction, Figure, StaffFigures
from apps.core.registry import register
from apps.core.staff.display import list_url
from apps.core.staff.figures import counted
from apps.integrations.models import ExternalEvent, MailMessage, NotionPage, NotionTable, StripeObject


def mail_and_inbox() -> list[Figure]:
    """What waits and what was given up."""
    mails, week_ago = MailMessage.objects.all(), lowest_id(now() - timedelta(days=7))
    failed = counted(mails.filter(pk__gte=week_ago, state__in=(MailMessage.State.FAILED, MailMessage.State.BOUNCED)))
    dead = counted(ExternalEvent.objects.filter(state=ExternalEvent.State.DEAD))
    unseen = counted(StripeObject.objects.filter(state=StripeObject.State.DEAD))
    return [
        Figure(
            _("Mail queued"),
            counted(mails.filter(state=MailMessage.State.QUEUED)),
            url=list_url(MailMessage, state__exact="queued", period="any"),
        ),
        Figure(
            _("Mail failed"),
            failed,
            _("failed or bounced, 7 days"),
            "" if failed == "0" else "bad",
            list_url(MailMessage, state__exact="failed", period="7"),
        ),
        Figure(
            _("Vendor events given up"),
            dead,
            tone="" if dead == "0" else "bad",
            url=list_url(ExternalEvent, state__exact="dead", period="any"),
        ),
        Figure(
            _("Looks at Stripe given up"),
            unseen,
            tone="" if unseen == "0" else "bad",
            url=list_url(StripeObject, state__exact="dead"),
        ),
    ]


def tables_at_notion() -> list[Figure]:
    """What could not be brought there."""
    tables = counted(NotionTable.objects.filter(state=NotionTable.State.FAILED))
    pages = counted(NotionPage.objects.filter(state=NotionPage.State.FAILED))
    return [
        Figure(
            _("Notion tables failed"),
            tables,
            tone="" if tables == "0" else "bad",
            url=list_url(NotionTable, state__exact="failed"),
        ),
        Figure(
            _("Notion pages failed"),
            pages,
            tone="" if pages == "0" else "bad",
            url=list_url(NotionPage, state__exact="failed"),
        ),
    ]


register(
    StaffFigures("notion", _("Notion"), tables_at_notion, "integrations.view_notiontable", 45, "operations"),
    AuditAction("stripe_object.replayed", _("Had an object at Stripe looked at again")),
    StaffFigures("mail", _("Mail and inbox"), mail_and_inbox, "integrations.view_mailmessage", order=40),
)
