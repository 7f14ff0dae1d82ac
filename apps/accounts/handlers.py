"""Consumers of allauth's authentication signals (not model signals): the only way in which it tells what happened."""

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from allauth.socialaccount import signals as social
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.accounts.services import auth_log, version_names
from apps.core import versions


@receiver(account.user_logged_in)
def on_login(request: HttpRequest, user: User, **_rest: Any) -> None:
    """A completed login."""
    method = "passkey" if did_use_passwordless_login(request, user) else ""
    auth_log.logged_in(user, request.headers.get("User-Agent", ""), method=method)


@receiver(user_logged_out)
def on_logout(user: User | None, **_rest: Any) -> None:
    """A logout; `user` is None when nobody was logged in."""
    if user is not None:
        auth_log.changed(user, "logged_out")


@receiver((account.password_changed, account.password_set))
@transaction.atomic
def on_password_changed(user: User, **_rest: Any) -> None:
    """A password changed from the settings."""
    auth_log.password_replaced(user, "password_changed")


@receiver(account.password_reset)
@transaction.atomic
def on_password_reset(user: User, **_rest: Any) -> None:
    """A password changed by a link in a mail."""
    auth_log.password_replaced(user, "password_reset")


@receiver(account.email_added)
def on_email_added(user: User, email_address: Any, **_rest: Any) -> None:
    """A further address, not confirmed yet."""
    auth_log.changed(user, "email_added", email=email_address.email)


@receiver(account.email_confirmed)
def on_email_confirmed(email_address: Any, **_rest: Any) -> None:
    """An address was confirmed by its link."""
    auth_log.changed(email_address.user, "email_confirmed", email=email_address.email)


@receiver(account.email_changed)
def on_email_changed(user: User, from_email_address: Any, to_email_address: Any, **_rest: Any) -> None:
    """Another address became the login (the first one, at sign-up, is no change)."""
    with transaction.atomic():
        versions.changed(version_names.of_user(user.pk))
    if from_email_address is not None:
        auth_log.changed(user, "email_changed", old=from_email_address.email, new=to_email_address.email)


@receiver(account.email_removed)
def on_email_removed(user: User, email_address: Any, **_rest: Any) -> None:
    """An address was removed."""
    auth_log.changed(user, "email_removed", email=email_address.email)


@receiver(mfa.authenticator_added)
def on_mfa_added(user: User, authenticator: Any, **_rest: Any) -> None:
    """A second factor was set up, or its first recovery codes were made."""
    if authenticator.type == Authenticator.Type.RECOVERY_CODES:
        auth_log.changed(user, "mfa_codes_made")
    elif authenticator.type == Authenticator.Type.WEBAUTHN:
        auth_log.changed(user, "passkey_added", name=str(authenticator))
    else:
        auth_log.changed(user, "mfa_added", kind=authenticator.type)


@receiver(mfa.authenticator_removed)
def on_mfa_removed(user: User, authenticator: Any, **_rest: Any) -> None:
    """A second factor was taken away; recovery codes go with it and are not told apart."""
    if authenticator.type == Authenticator.Type.WEBAUTHN:
        auth_log.changed(user, "passkey_removed", name=str(authenticator))
    elif authenticator.type != Authenticator.Type.RECOVERY_CODES:
        auth_log.changed(user, "mfa_removed", kind=authenticator.type)


@receiver(mfa.authenticator_reset)
def on_mfa_reset(user: User, **_rest: Any) -> None:
    """New recovery codes replace the old ones."""
    auth_log.changed(user, "mfa_codes_made")


@receiver(mfa.authentication_failed)
def on_mfa_failed(user: User, **_rest: Any) -> None:
    """A wrong second factor."""
    auth_log.changed(user, "mfa_failed")


@receiver(social.social_account_added)
def on_social_added(sociallogin: Any, **_rest: Any) -> None:
    """A login provider was connected to an account."""
    auth_log.changed(sociallogin.user, "social_connected", provider=sociallogin.account.provider)


@receiver(social.social_account_removed)
def on_social_removed(socialaccount: Any, **_rest: Any) -> None:
    """A login provider was disconnected."""
    auth_log.changed(socialaccount.user, "social_removed", provider=socialaccount.provider)
