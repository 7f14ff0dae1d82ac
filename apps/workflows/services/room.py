"""How much of the platform one organization may use at a time: open runs, and mail by its workflows."""

import threading
import time
import uuid
from collections import OrderedDict
from datetime import timedelta

from django.utils.translation import gettext as _

from apps.core.clock import now
from apps.core.errors import LimitExceededError
from apps.integrations.models import MailMessage
from apps.workflows import limits
from apps.workflows.models import Run

COUNT_EVERY = 10.0  # seconds for which a count holds; what this process starts meanwhile is added to it
KNOWN = 10_000  # organizations
OPEN = [state for state in Run.State.values if state not in Run.FINISHED]
MAIL_TEMPLATE = "workflow_step"
DAY = timedelta(days=1)

_counts: OrderedDict[uuid.UUID, tuple[float, int]] = OrderedDict()
_lock = threading.Lock()


def check_room_for_runs(organization_id: uuid.UUID) -> None:
    """Count a run that is about to start. Raises `LimitExceededError` where too many are open.

    A count costs one query in ten seconds, so several processes together may start a few more than the limit.
    """
    moment = time.monotonic()
    with _lock:
        counted_at, count = _counts.get(organization_id, (-COUNT_EVERY, 0))
    if moment - counted_at >= COUNT_EVERY:
        most = limits.QUEUED_RUNS_PER_ORGANIZATION
        open_runs = Run.objects.for_organization(organization_id).filter(state__in=OPEN)
        counted_at, count = moment, open_runs.order_by()[:most].count()
    if count >= limits.QUEUED_RUNS_PER_ORGANIZATION:
        raise LimitExceededError(
            _("An organization has at most %(most)s runs that have not ended. Wait for some of them, or cancel some.")
            % {"most": limits.QUEUED_RUNS_PER_ORGANIZATION},
            code="too_many_open_runs",
            status=429,
            retry_after=int(COUNT_EVERY),
        )
    with _lock:
        _counts[organization_id] = (counted_at, count + 1)
        _counts.move_to_end(organization_id)
        while len(_counts) > KNOWN:
            _counts.popitem(last=False)


def check_room_for_mail(organization_id: uuid.UUID) -> None:
    """Raises `LimitExceededError` where the organization's workflows have ordered their mail for a day."""
    ordered = MailMessage.objects.filter(
        organization_id=organization_id, template=MAIL_TEMPLATE, created_at__gt=now() - DAY
    )
    if ordered.order_by()[: limits.MAILS_PER_DAY].count() >= limits.MAILS_PER_DAY:
        raise LimitExceededError(
            _("The workflows of an organization send at most %(most)s mails in 24 hours.")
            % {"most": limits.MAILS_PER_DAY},
            code="too_many_mails",
        )
