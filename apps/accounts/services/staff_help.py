"""What staff do for (or to) people: keep them out, let them in again, end what they left open."""

from collections.abc import Iterable

from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps.accounts.errors import PermissionDeniedError
from apps.accounts.models import TokenFamily, User
from apps.accounts.services import api_keys, tokens, version_names
from apps.audit.services import record
from apps.core import versions
from apps.core.errors import ConflictError


def deactivate(user: User, *, by: User) -> None:
    """Keep a person out: no login, no session, no token. Raises `PermissionDeniedError`, `ConflictError`."""
    _check_reach(user, by)
    with transaction.atomic():
        versions.changed(version_names.of_user(user.pk))
        if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
            raise ConflictError(_("The account is inactive already."))
        sessions = _end(UserSession.objects.filter(user=user))
        families = _revoke(user, by)
        keys = api_keys.revoke_keys_of(user, reason="revoked_by_staff")
        data = {"sessions": sessions, "tokens": families, "keys": keys}
        record("accounts.user_deactivated", target=user, data=data)


def reactivate(user: User, *, by: User) -> None:
    """Let a person in again. Raises `PermissionDeniedError`, `ConflictError`."""
    _check_reach(user, by)
    with transaction.atomic():
        versions.changed(version_names.of_user(user.pk))
        if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
            raise ConflictError(_("The account is active."))
        record("accounts.user_reactivated", target=user)


def end_sessions(user: User, *, by: User) -> int:
    """Log a person out of every browser. Returns how many sessions there were. Raises `PermissionDeniedError`."""
    _check_reach(user, by)
    with transaction.atomic():
        ended = _end(UserSession.objects.filter(user=user))
        record("accounts.sessions_ended_by_staff", target=user, data={"count": ended})
    return ended


def end_session(session: UserSession, *, by: User) -> None:
    """Log a person out of one browser. Raises `PermissionDeniedError`."""
    _check_reach(session.user, by)
    with transaction.atomic():
        _end([session])
        record("accounts.sessions_ended_by_staff", target=session.user, data={"count": 1})


def revoke_tokens(user: User, *, by: User) -> int:
    """Revoke every terminal and API token of a person. Returns how many. Raises `PermissionDeniedError`."""
    _check_reach(user, by)
    with transaction.atomic():
        return _revoke(user, by)


def resend_verification(request: HttpRequest, user: User) -> None:
    """Mail the link that confirms the person's address once more. Raises `ConflictError` for a confirmed one."""
    with transaction.atomic():
        address, _made = EmailAddress.objects.get_or_create(
            user=user, email=user.email, defaults={"primary": True, "verified": False}
        )
        if address.verified:
            raise ConflictError(_("The address is confirmed."))
        address.send_confirmation(request)
        record("accounts.verification_sent_by_staff", target=user)


def set_staff_access(user: User, *, by: User, is_staff: bool, is_superuser: bool, groups: Iterable[Group]) -> None:
    """Make somebody staff, with roles, or not any more. Only superusers do, and never to themselves.

    Somebody who stops being staff keeps no role. Raises `PermissionDeniedError`.
    """
    if not by.is_superuser or by.pk == user.pk:
        raise PermissionDeniedError(_("Superusers change the staff access of others, never their own."))
    roles = list(groups) if is_staff else []
    with transaction.atomic():
        fresh = User.objects.select_for_update(of=("self",), no_key=True).get(pk=user.pk)
        before = _access(fresh)
        fresh.is_staff, fresh.is_superuser = is_staff, is_staff and is_superuser
        fresh.save(update_fields=["is_staff", "is_superuser"])
        fresh.groups.set(roles)
        after = _access(fresh)
        if before != after:
            record("accounts.staff_access_changed", target=user, data={"before": before, "after": after})


def _access(user: User) -> dict[str, object]:
    roles = sorted(user.groups.values_list("name", flat=True))
    return {"staff": user.is_staff, "superuser": user.is_superuser, "roles": roles}


def _check_reach(user: User, by: User) -> None:
    """Nobody does this to themselves, and only superusers do it to other staff."""
    if by.pk == user.pk:
        raise PermissionDeniedError(_("Not to your own account: use your settings."))
    if (user.is_staff or user.is_superuser) and not by.is_superuser:
        raise PermissionDeniedError(_("Only a superuser does this to staff."))


def _end(sessions: Iterable[UserSession]) -> int:
    ended = list(sessions)
    for session in ended:
        session.end()
    return len(ended)


def _revoke(user: User, by: User) -> int:
    live = list(TokenFamily.objects.unscoped().filter(user=user, revoked_at=None))
    for family in live:
        tokens.revoke(family, by=by, reason="revoked_by_staff")
    return len(live)
