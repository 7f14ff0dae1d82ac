"""Telling people: in their inbox and by mail, as they want it, each thing once."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils.http import url_has_allowed_host_and_scheme

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Actor
from apps.core.brand import current_brand
from apps.core.clock import now
from apps.core.context import bound
from apps.core.kinds import NoticeType
from apps.core.registry import registry
from apps.core.scrubbing import scrub
from apps.integrations.mail.services import queue_mail
from apps.notifications.models import NoticePreference, Notification
from apps.notifications.selectors import Choice, choices_for, inbox
from apps.notifications.unsubscribing import way_out

MAX_TITLE, MAX_BODY, MAX_URL = 200, 4000, 500


def notify(
    organization: Organization,
    users: Iterable[User],
    code: str,
    *,
    title: str,
    body: str = "",
    url: str = "",
    idempotency_key: str,
    template: str = "notifications/notice",
    context: Mapping[str, Any] | None = None,
) -> None:
    """Tell people something about an organization, in the caller's transaction.

    `code` is a registered `NoticeType`; `url` a path on the platform ("/runs/run_…"). Who was told under the same
    `idempotency_key` is not told again. Mail is made of `template`, with `context` beside title, body and address;
    where the type is not transactional, each has a mail of their own, with its way out.
    """
    kind = registry(NoticeType).get(code)
    people = list({user.pk: user for user in users if user.is_active}.values())
    title, body = " ".join(scrub(title).split())[:MAX_TITLE], scrub(body)[:MAX_BODY]
    path = _path(url)
    with transaction.atomic():
        mine = Notification.objects.for_organization(organization).filter(idempotency_key=idempotency_key)
        told = set(mine.filter(user__in=people).values_list("user_id", flat=True))
        choices = choices_for(kind, people)
        fresh = [user for user in people if user.pk not in told]
        rows = [
            Notification(
                organization=organization,
                user=user,
                code=code,
                title=title,
                body=body,
                url=path,
                idempotency_key=idempotency_key,
                in_app=choices[user.pk].in_app,
                mailed=choices[user.pk].mail,
            )
            for user in fresh
        ]
        Notification.objects.bulk_create(rows, ignore_conflicts=True)
        words = {"title": title, "body": body, **(context or {})}
        with bound(realm_id=organization.realm_id, organization_id=organization.pk):
            for user in fresh:
                if choices[user.pk].mail:
                    _mail(organization, user, kind, template, words, path, idempotency_key)


def _mail(
    organization: Organization,
    user: User,
    kind: NoticeType,
    template: str,
    words: Mapping[str, Any],
    path: str,
    idempotency_key: str,
) -> None:
    site = current_brand().site_url
    values = {**words, "url": f"{site}{path}" if path else "", "organization_name": organization.name}
    headers: dict[str, str] = {}
    if not kind.transactional:
        addresses, headers = way_out(user, kind.code)
        values |= addresses
    queue_mail(
        template,
        user.email,
        values,
        idempotency_key=f"notice:{idempotency_key}:{user.public_id}"[:255],
        organization_id=organization.pk,
        realm_id=organization.realm_id,
        headers=headers,
    )


def _path(url: str) -> str:
    """The path and query of an address of ours. Another's is a mistake: an inbox leads nowhere else."""
    if url and not is_own_path(url):
        raise ValueError(f"{url!r} is no path on the platform")
    return url[:MAX_URL]


def is_own_path(url: str) -> bool:
    """Whether a browser stays with us when it goes there: "///host", "/\\host" and "/<tab>/host" are hosts to it."""
    return url.startswith("/") and url.isprintable() and url_has_allowed_host_and_scheme(url, allowed_hosts=None)


def mark_read(notification: Notification) -> None:
    """Note that its person has seen it. Marking it again changes nothing."""
    Notification.objects.unscoped().filter(pk=notification.pk, read_at__isnull=True).update(read_at=now())


def mark_all_read(actor: Actor) -> int:
    """Everything in the person's inbox of this organization. Returns how many were new."""
    return inbox(actor, unread=True).update(read_at=now())


def choose(user: User, code: str, *, in_app: bool, mail: bool) -> Choice:
    """How a person hears of one type from now on. What is transactional stays as it is."""
    kind = registry(NoticeType).get(code)
    if kind.transactional:
        return Choice(kind, kind.in_app, kind.mail)
    NoticePreference.objects.update_or_create(user=user, code=code, defaults={"in_app": in_app, "mail": mail})
    return Choice(kind, in_app and kind.in_app, mail and kind.mail)


def unsubscribe(user: User, code: str) -> None:
    """No more mail of this type; the inbox stays as it was chosen."""
    kind = registry(NoticeType).find(code)
    if kind is None or kind.transactional:
        return
    NoticePreference.objects.update_or_create(
        user=user, code=code, defaults={"mail": False}, create_defaults={"mail": False, "in_app": True}
    )
