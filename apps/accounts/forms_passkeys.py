"""Forms of passkeys: what a browser hands over is checked by allauth; here it is bounded and put on record."""

import json
import struct
from typing import Any

from allauth.core import context
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from fido2.webauthn import AuthenticationResponse

from apps.accounts.services import auth_log

MOST_KEYS = 20
MOST_BYTES = 16_000  # of what a browser hands over; usual are 1,000
LONGEST_NAME = 80
# What the libraries raise over a credential that no browser would send.
MALFORMED = (TypeError, ValueError, LookupError, AttributeError, AssertionError, struct.error)


def _refused() -> ValidationError:
    return ValidationError(_("This passkey was not accepted. Try again."), code="incorrect_code")


def _bounded(credential: object) -> dict[str, Any]:
    """A credential as it may be stored and parsed. Raises `ValidationError`."""
    text = json.dumps(credential)
    if not isinstance(credential, dict) or len(text) > MOST_BYTES or "\\u0000" in text:
        raise _refused()
    return credential


def _named(field: forms.Field) -> None:
    field.label = _("Name")
    field.widget.attrs["maxlength"] = str(LONGEST_NAME)


def _clean_name(text: str) -> str:
    return "".join(character for character in " ".join(text.split()) if character.isprintable())[:LONGEST_NAME]


class AddPasskeyForm(AddWebAuthnForm):
    """A new passkey: its name, and whether it is enough to log in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _named(self.fields["name"])
        passwordless = self.fields["passwordless"]
        passwordless.initial = True
        passwordless.label = _("Log in with it alone, without the password")
        passwordless.help_text = _(
            "It then asks for your fingerprint, face or PIN. Without this it is a second proof besides the password."
        )

    def clean_name(self) -> str:
        """One short line; a made-up name where there is none: the key exists already and is not refused for that."""
        self.cleaned_data["name"] = _clean_name(self.cleaned_data["name"])
        return str(super().clean_name())

    def clean_credential(self) -> dict[str, Any]:
        """What the browser made, bounded; `clean` checks it."""
        return _bounded(self.cleaned_data["credential"])

    def clean(self) -> dict[str, Any]:
        """Have allauth check the new key. Raises `ValidationError`."""
        if Authenticator.objects.filter(user=self.user, type=Authenticator.Type.WEBAUTHN).count() >= MOST_KEYS:
            raise ValidationError(
                _("You have %(count)s passkeys. Remove one before you add another."), params={"count": MOST_KEYS}
            )
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError as error:
            raise (_refused() if error.code == "incorrect_code" else error) from error
        except MALFORMED as error:
            raise _refused() from error
        return cleaned


class EditPasskeyForm(EditWebAuthnForm):
    """Another name for a passkey."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _named(self.fields["name"])

    def clean_name(self) -> str:
        """One short line."""
        name = _clean_name(self.cleaned_data["name"])
        if not name:
            raise ValidationError(_("Only printable characters, please."))
        return name


class PasskeyAnswerForm(AuthenticateWebAuthnForm):
    """The answer of a passkey as a second proof; a refused one is on the record."""

    def clean_credential(self) -> Authenticator:
        """The passkey that answered rightly. Raises `ValidationError`."""
        try:
            _bounded(self.cleaned_data["credential"])
            return super().clean_credential()
        except ValidationError as error:
            self.record_failure()
            raise (_refused() if error.code == "incorrect_code" else error) from error
        except MALFORMED as error:
            self.record_failure()
            raise _refused() from error

    def record_failure(self) -> None:
        """Tell the person's security log."""
        auth_log.changed(self.user, "mfa_failed")


class ReauthenticatePasskeyForm(PasskeyAnswerForm, ReauthenticateWebAuthnForm):
    """The answer of a passkey before something important is changed."""


class LoginPasskeyForm(PasskeyAnswerForm, LoginWebAuthnForm):
    """The answer of a passkey instead of address and password."""

    def clean_credential(self) -> Authenticator:
        """The passkey that answered rightly, having seen a fingerprint, face or PIN. Raises `ValidationError`.

        allauth asks for that, yet takes an answer to a question of the second-factor page, which does not ask: without
        this check a stolen key that was only ever a second proof would open the account by itself.
        """
        answer = self.cleaned_data["credential"]
        authenticator = super().clean_credential()
        if not AuthenticationResponse.from_dict(answer).response.authenticator_data.is_user_verified():
            self.record_failure()
            raise _refused()
        return authenticator

    def record_failure(self) -> None:
        """Nobody is known yet: the answer names somebody, but anybody can write an answer."""
        auth_log.login_failed("", context.request.headers.get("User-Agent", ""), method="passkey")
