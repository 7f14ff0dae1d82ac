"""allauth's forms in our words: one line about passwords instead of a list of rules, labels instead of placeholders."""

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as mfa
from allauth.mfa.totp import forms as totp
from django import forms
from django.utils.translation import gettext_lazy as _

PASSWORD_HINT = _("At least 10 characters, and not one that everybody uses.")


def put_in_words(form: forms.BaseForm, **labels: Any) -> None:
    """Label these fields, drop every placeholder (the label says it) and the list of password rules."""
    for name, field in form.fields.items():
        field.widget.attrs.pop("placeholder", None)
        if name in labels:
            field.label = labels[name]
        if name == "password1":
            field.help_text = PASSWORD_HINT


class LoginForm(account.LoginForm):
    """E-mail address and password; the page itself links to the reset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        put_in_words(self, login=_("E-mail address"), remember=_("Stay logged in on this device"))


class ChangePasswordForm(account.ChangePasswordForm):
    """Another password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(
            self,
            oldpassword=_("Current password"),
            password1=_("New password"),
            password2=_("The new password again"),
        )


class SetPasswordForm(account.SetPasswordForm):
    """A first password, of somebody who came by a provider."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, password1=_("New password"), password2=_("The new password again"))


class ResetPasswordForm(account.ResetPasswordForm):
    """Where the link that sets a new password goes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, email=_("E-mail address"))


class ResetPasswordKeyForm(account.ResetPasswordKeyForm):
    """The new password, by the link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, password1=_("New password"), password2=_("The new password again"))


class AddEmailForm(account.AddEmailForm):
    """Another address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, email=_("New e-mail address"))


class ReauthenticateForm(account.ReauthenticateForm):
    """The password once more."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, password=_("Password"))


class _OneTimeCode:
    """A code field as phones and password managers know it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, code=_("Code"))  # type: ignore[arg-type] # mixed into forms


class AuthenticateForm(_OneTimeCode, mfa.AuthenticateForm):
    """The second proof at a login."""


class ReauthenticateCodeForm(_OneTimeCode, mfa.ReauthenticateForm):
    """A code before something important is changed."""


class ActivateTOTPForm(_OneTimeCode, totp.ActivateTOTPForm):
    """The first code of a new authenticator app."""
