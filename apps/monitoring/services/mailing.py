"""Mail of reports to staff: the figures in short, and where the whole of it is."""

from collections.abc import Sequence

from django.conf import settings
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.brand import current_brand
from apps.core.scrubbing import scrub
from apps.integrations.mail.services import MAX_RECIPIENTS, queue_mail

MAILED = 24  # figures at most: the page has them all


def recipients() -> list[str]:
    """The addresses of the setting `REPORT_RECIPIENTS`; without it, the superusers."""
    named: list[str] = list(settings.REPORT_RECIPIENTS)
    if named:
        return named[:MAX_RECIPIENTS]
    rows = User.objects.filter(is_superuser=True, is_active=True).order_by("pk")
    return list(rows.values_list("email", flat=True)[:MAX_RECIPIENTS])


def mail_report(key: str, *, title: str, summary: str, figures: Sequence[tuple[str, str, str]], url: str) -> bool:
    """Order the mail, once for each key. `figures` are (label, value, note). False where nobody is to be told."""
    to = recipients()
    if not to:
        return False
    shown = [{"label": scrub(label), "value": scrub(value), "note": scrub(note)} for label, value, note in figures]
    more = len(shown) - MAILED
    context = {
        "title": title,
        "summary": scrub(summary),
        "figures": shown[:MAILED],
        "more": _("%(count)d more are on the page.") % {"count": more} if more > 0 else "",
        "url": f"{current_brand().site_url}{url}",
    }
    queue_mail("monitoring/report", to, context, idempotency_key=key)
    return True
