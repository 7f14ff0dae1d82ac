"""Reading the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from apps.core.clock import now
from apps.core.scrubbing import scrub
from apps.integrations.models import BODY, MailMessage

State = MailMessage.State
LEFT = (State.SENT, State.DELIVERED)
UNDER_WAY = (State.QUEUED, State.SENDING)
BOUNCES_WITHIN = timedelta(minutes=10)  # what a vendor has not sent back by then counts as arrived


@dataclass(frozen=True)
class Outcome:
    """How a mail ended, for whoever ordered it; `key` is the idempotency key that they gave.

    `why` is for people: the bad end in one line. `maybe_arrived`: nobody knows that it did not.
    """

    key: str
    state: str
    sent_at: datetime | None
    why: str

    @property
    def left(self) -> bool:
        """Whether it went out and nothing bad was heard of it."""
        return self.state in LEFT

    @property
    def maybe_arrived(self) -> bool:
        """Whether its recipient may have it."""
        return self.left or self.state in (State.UNKNOWN, State.COMPLAINED)

    @property
    def arrived(self) -> bool:
        """Whether it can be taken to have arrived: a vendor who tells what comes back has had the time for it."""
        if self.state != State.SENT or settings.MAIL_TRANSPORT != "resend":
            return self.left
        return self.sent_at is not None and now() - self.sent_at >= BOUNCES_WITHIN


def outcome_of(public_id: str) -> Outcome | None:
    """How a mail ended; None while it is under way, and for one that is gone."""
    return next(iter(_outcomes(Q(pk=MailMessage.parse_public_id(public_id)))), None)


def outcomes_by_key(keys: Sequence[str]) -> dict[str, Outcome]:
    """How those of these mails ended that did, by their idempotency keys; one query."""
    return {one.key: one for one in _outcomes(Q(idempotency_key__in=keys))}


def _outcomes(which: Q) -> list[Outcome]:
    rows = MailMessage.objects.filter(which).exclude(state__in=UNDER_WAY).defer(*BODY, "headers")
    return [Outcome(row.idempotency_key, row.state, row.sent_at, _why(row)) for row in rows]


def _why(row: MailMessage) -> str:
    return "" if row.state in LEFT else scrub(f"the mail ended as “{row.state}”: {row.last_error}".rstrip(": "))


def all_mail() -> QuerySet[MailMessage]:
    """Every mail, the newest first, without the bodies: for staff lists."""
    return MailMessage.objects.defer(*BODY, "headers").order_by("-pk")


def mail_to(address: str) -> QuerySet[MailMessage]:
    """Mail that went to an address, the newest first. A contained search: meant for staff and exports."""
    return all_mail().filter(to__icontains=address.strip())


def backlog() -> dict[str, int]:
    """{"late": due for more than five minutes, "given_up": failed or unknown within a day}."""
    moment = now()
    late = Q(state=State.QUEUED, due_at__lt=moment - timedelta(minutes=5))
    stuck = Q(state=State.SENDING, lease_until__lt=moment - timedelta(minutes=5))
    given_up = Q(state__in=(State.FAILED, State.UNKNOWN), created_at__gt=moment - timedelta(days=1))
    return {
        "late": MailMessage.objects.filter(late | stuck).count(),
        "given_up": MailMessage.objects.filter(given_up).count(),
    }
