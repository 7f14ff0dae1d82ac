"""How allauth works in this house: mail through the outbox, an organization at sign-up, secrets encrypted."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import segno
from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.base import AuthProcess
from allauth.usersessions.adapter import DefaultUserSessionsAdapter
from django.db import transaction
from django.http import Http404, HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.accounts.middleware import pending_invitation_token
from apps.accounts.models import User
from apps.accounts.names import harmless_name
from apps.accounts.passkeys import host_name
from apps.accounts.services import auth_log
from apps.accounts.services.signup import complete_signup
from apps.core import crypto
from apps.core.brand import current_brand
from apps.core.ids import new_id
from apps.integrations.mail.services import queue_mail

NO_MAILBOX = "@users.noreply.github.com"  # what GitHub calls an address of people who hide theirs


def _at_home(name: str, value: Any) -> Any:
    """A link with our own address: allauth takes it from the `Host` header, whose port anybody may choose."""
    if not name.endswith("_url") or not isinstance(value, str):
        return value
    site = urlsplit(current_brand().site_url)
    return urlsplit(value)._replace(scheme=site.scheme, netloc=site.netloc).geturl()


class AccountAdapter(DefaultAccountAdapter):
    """Sign-up, login and their mail."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "duplicate_email": _lazy("That is your address already."),
        "email_password_mismatch": _lazy("This e-mail address and password do not go together."),
        "email_taken": _lazy("Somebody has an account with this e-mail address already."),
        "enter_current_password": _lazy("That is not your current password."),
        "incorrect_code": _lazy("This code is not right, or was used already."),
        "incorrect_password": _lazy("That is not your password."),
    }

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Queue one of allauth's mails; `account/email/x` is our `emails/accounts/x`."""
        values = {key: _at_home(key, value) for key, value in context.items() if key != "request"}
        name = template_prefix.rsplit("/", 1)[-1]
        queue_mail(f"accounts/{name}", email, {**values, "email": email}, idempotency_key=f"account:{new_id()}")

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Store a person who signs up, with an organization of their own (unless they were invited to one)."""
        user.name = form.cleaned_data.get("name") or user.name
        if not commit:
            return super().save_user(request, user, form, commit=False)  # type: ignore[no-any-return] # allauth has no types
        with transaction.atomic():
            super().save_user(request, user, form)
            complete_signup(user, invitation_token=pending_invitation_token(request))
        return user

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """An invitation that waited for the login comes first; staff who are nobody's members go to their desk."""
        if token := pending_invitation_token(request):
            return reverse("invitation", args=[token])
        user = request.user
        if isinstance(user, User) and user.is_staff and not user.memberships.exists():
            return reverse("admin:index")
        return str(super().get_login_redirect_url(request))

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """As after a login."""
        if token := pending_invitation_token(request):
            return reverse("invitation", args=[token])
        return str(super().get_signup_redirect_url(request))

    def get_reauthentication_methods(self, user: User) -> list[dict[str, Any]]:
        """Ways to show that it is really oneself, in our words."""
        words = {
            "reauthenticate": _("Use your password"),
            "mfa_reauthenticate": _("Use a code from your app or a recovery code"),
            "mfa_reauthenticate:webauthn": _("Use a passkey"),
        }
        return [{**way, "description": words[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """A wrong password: on the record."""
        auth_log.login_failed(str(credentials.get("email", "")), request.headers.get("User-Agent", ""))

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that the web server saw (behind a proxy: the one that it vouches for)."""
        return str(request.META.get("REMOTE_ADDR") or "0.0.0.0")  # noqa: S104 - stands for "unknown", nothing is bound


class SocialAccountAdapter(DefaultSocialAccountAdapter):
    """Login by Google or GitHub."""

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> SocialApp:
        """The configured application of a provider; 404 where it is not configured."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Refuse a login or sign-up by a provider that does not vouch for the address; keep the one it vouches for.

        An account that was connected before, and one that a logged-in person connects, need no address.
        """
        connected = sociallogin.account.pk is not None
        if connected or sociallogin.state.get("process") == AuthProcess.CONNECT:
            return
        confirmed = [
            address
            for address in sociallogin.email_addresses
            if address.verified and not address.email.endswith(NO_MAILBOX)
        ]
        if not confirmed:
            page = render(
                request,
                "socialaccount/unconfirmed.html",
                {"provider": sociallogin.provider, "addresses": sociallogin.email_addresses},
                status=403,
            )
            raise ImmediateHttpResponse(page)
        sociallogin.email_addresses = confirmed[:1]  # allauth sorted them: the primary one first
        if not sociallogin.is_existing:
            sociallogin.user.email = confirmed[0].email

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        """Take address and name from the provider."""
        user: User = super().populate_user(request, sociallogin, data)
        joined = " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        user.name = harmless_name(str(data.get("name") or joined or ""))
        return user

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        """Store a person who signs up by a provider, with an organization of their own."""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            complete_signup(user, invitation_token=pending_invitation_token(request))
        return user


class MFAAdapter(DefaultMFAAdapter):
    """Two-factor secrets are encrypted; the issuer is the brand."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": _lazy("This code is not right, or was used already."),
    }

    def get_totp_issuer(self) -> str:
        """The name an authenticator app shows."""
        return current_brand().name

    def build_totp_svg(self, url: str) -> str:
        """The QR code, dark on white with its quiet zone: cameras need that on a dark page too."""
        drawing = BytesIO()
        segno.make(url, error="m").save(
            drawing, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False
        )
        return drawing.getvalue().decode()

    def encrypt(self, text: str) -> str:
        """Encrypt a secret for the database."""
        return crypto.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The reverse of `encrypt`."""
        return crypto.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys are bound to the host that was opened."""
        return {"id": host_name(context.request), "name": current_brand().name}

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """What a new passkey is called until its owner says otherwise."""
        count = Authenticator.objects.filter(user=user, type=type).count()
        return _("Passkey %(number)s") % {"number": count + 1}


class UserSessionsAdapter(DefaultUserSessionsAdapter):
    """Ended sessions are on the record."""

    def end_sessions(self, sessions: Any) -> None:
        """End all of these sessions (of one person)."""
        ended = list(sessions)
        with transaction.atomic():
            super().end_sessions(ended)
            if ended:
                auth_log.changed(ended[0].user, "session_revoked", count=str(len(ended)))
