"""Mail of reports to staff: the figures in short, and where the whole of it is. Each has a mail of their own, with its
way out."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.brand import current_brand
from apps.core.kinds import NoticeType
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.integrations.mail.services import MAX_RECIPIENTS, queue_mail
from apps.notifications.selectors import choices_for
from apps.notifications.unsubscribing import way_out

MAILED = 24  # figures at most: the page has them all
STAFF_REPORTS = "staff_reports"


def readers() -> tuple[list[User], list[str]]:
    """Staff who want reports, and addresses that are nobody's account: those of the setting `REPORT_RECIPIENTS`;
    without it, the superusers."""
    named: list[str] = [address.lower() for address in settings.REPORT_RECIPIENTS[:MAX_RECIPIENTS]]
    staff = User.objects.filter(is_active=True, is_staff=True).order_by("pk")
    found = staff.annotate(lower=Lower("email")).filter(lower__in=named) if named else staff.filter(is_superuser=True)
    people = list(found[:MAX_RECIPIENTS])
    choices = choices_for(registry(NoticeType).get(STAFF_REPORTS), people)
    others = [address for address in dict.fromkeys(named) if address not in {user.email.lower() for user in people}]
    return [user for user in people if choices[user.pk].mail], others


def mail_report(key: str, *, title: str, summary: str, figures: Sequence[tuple[str, str, str]], url: str) -> None:
    """Order the mail, once for each key and reader. `figures` are (label, value, note)."""
    shown = [{"label": scrub(label), "value": scrub(value), "note": scrub(note)} for label, value, note in figures]
    more = len(shown) - MAILED
    brand = current_brand()
    context: dict[str, Any] = {
        "title": title,
        "summary": scrub(summary),
        "figures": shown[:MAILED],
        "more": _("%(count)d more are on the page.") % {"count": more} if more > 0 else "",
        "url": f"{brand.site_url}{url}",
    }
    people, others = readers()
    for user in people:
        words, headers = way_out(user, STAFF_REPORTS)
        once = f"{key}:{user.public_id}"
        queue_mail("monitoring/report", user.email, context | words, idempotency_key=once, headers=headers)
    for address in others:  # whoever runs the platform named it, and can take it out again
        headers = {"List-Unsubscribe": f"<mailto:{brand.support_email}?subject=unsubscribe>"}
        queue_mail("monitoring/report", address, context, idempotency_key=f"{key}:{address}"[:255], headers=headers)
