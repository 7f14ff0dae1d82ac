"""Reading what the notifications app holds."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.accounts.models import User
from apps.accounts.permissions import Actor
from apps.core.kinds import NoticeType
from apps.core.registry import registry
from apps.core.rows import count_up_to
from apps.notifications.models import Alert, NoticePreference, Notification

MOST_COUNTED = 99


def latest_values(code: str) -> dict[str, Any]:
    """What templates of a type of alarm may name: subject and data of its newest alarm; a subject alone without one."""
    alert = Alert.objects.filter(code=code).order_by("-began_at").first()
    return {"subject": alert.subject, **alert.data} if alert else {"subject": "subject"}


def inbox(actor: Actor, *, unread: bool = False) -> QuerySet[Notification]:
    """What the person was told about the organization that they work in."""
    if actor.organization is None:
        return Notification.objects.unscoped().none()
    found = Notification.objects.for_organization(actor.organization).filter(user=actor.user, in_app=True)
    return found.filter(read_at__isnull=True) if unread else found


def notification_of(actor: Actor, public_id: str) -> Notification:
    """One of the person's own. Raises `NotFoundError`."""
    row = inbox(actor).filter(pk=Notification.parse_public_id(public_id)).first()
    if row is None:
        raise Notification.missing(public_id)
    return row


def count_unread(actor: Actor) -> int:
    """How many were not read yet, counted to 99; one query."""
    return count_up_to(inbox(actor, unread=True), MOST_COUNTED)


@dataclass(frozen=True)
class Choice:
    """How a person hears of one type of notice. What is transactional is `locked`."""

    kind: NoticeType
    in_app: bool
    mail: bool

    @property
    def locked(self) -> bool:
        """Whether it can't be switched off."""
        return self.kind.transactional


def choices_of(user: User) -> list[Choice]:
    """A person's choices, those that can be made first; one query."""
    rows = {row.code: row for row in NoticePreference.objects.filter(user=user)}
    kinds = [kind for kind in registry(NoticeType).all() if user.is_staff or not kind.staff]
    found = [_choice(kind, rows.get(kind.code)) for kind in kinds]
    return sorted(found, key=lambda choice: (choice.locked, str(choice.kind.label)))


def choices_for(kind: NoticeType, users: Iterable[User]) -> dict[uuid.UUID, Choice]:
    """How each of these people hears of a type, by their keys; one query."""
    people = [user.pk for user in users]
    rows = {row.user_id: row for row in NoticePreference.objects.filter(code=kind.code, user__in=people)}
    return {key: _choice(kind, rows.get(key)) for key in people}


def _choice(kind: NoticeType, row: NoticePreference | None) -> Choice:
    if kind.transactional or row is None:
        return Choice(kind, kind.in_app, kind.mail)
    return Choice(kind, row.in_app and kind.in_app, row.mail and kind.mail)


def open_alerts() -> QuerySet[Alert]:
    """What goes on, the newest first."""
    return Alert.objects.filter(resolved_at__isnull=True).order_by("-began_at")
