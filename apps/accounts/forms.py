"""Forms of accounts: what people type, checked; services decide."""

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.accounts.forms_login import put_in_words
from apps.accounts.models import Organization, Role, User
from apps.accounts.names import clean_name
from apps.core.cron import known_zones
from apps.core.errors import InvalidInputError


def _clean_name(text: str) -> str:
    """A name in one line, or what is wrong with it, beside its field."""
    try:
        return clean_name(text)
    except InvalidInputError as refusal:
        raise forms.ValidationError(str(refusal.detail)) from refusal


def set_choices(form: forms.BaseForm, name: str, choices: list[tuple[str, str]]) -> None:
    """Say what a choice field offers."""
    field = form.fields[name]
    if not isinstance(field, forms.ChoiceField):
        raise TypeError(f"{name} is no choice field")
    field.choices = choices


class SignupForm(AllauthSignupForm):
    """E-mail address, name and password."""

    field_order = ("name", "email", "password1")
    account_already_exists: bool  # allauth's `clean` says so

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name", "autofocus": True}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        put_in_words(self, email=_("E-mail address"))

    def clean_name(self) -> str:
        """One printable line."""
        return _clean_name(self.cleaned_data["name"])

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the person; for a known address only a mail goes out, after the same time as for a new one."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # what takes the time; else it would tell who has an account
        try:
            with transaction.atomic():
                return self._save_or_mail(request)
        except IntegrityError:  # somebody signed up with the address in this very moment
            self.account_already_exists = True
            return self._save_or_mail(request)

    def _save_or_mail(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return saved

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth's hook after saving; everything is done in the adapter."""


class ProfileForm(forms.ModelForm):
    """What others see of a person."""

    class Meta:
        model = User
        fields = ("name",)
        widgets = {"name": forms.TextInput(attrs={"autocomplete": "name"})}

    def clean_name(self) -> str:
        """One printable line."""
        return _clean_name(self.cleaned_data["name"])


class OrganizationForm(forms.ModelForm):
    """Name and time zone of an organization."""

    timezone = forms.ChoiceField(label=_("Time zone"))

    class Meta:
        model = Organization
        fields = ("name", "timezone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "timezone", [(zone, zone) for zone in sorted(known_zones())])

    def clean_name(self) -> str:
        """One printable line."""
        return _clean_name(self.cleaned_data["name"])


class NewOrganizationForm(OrganizationForm):
    """A further organization: its name is enough."""

    class Meta:
        model = Organization
        fields = ("name",)

    timezone = None  # type: ignore[assignment] # Django's way of dropping an inherited field

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        forms.ModelForm.__init__(self, *args, **kwargs)


class InvitationForm(forms.Form):
    """Who to invite, as what."""

    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.DEVELOPER)


class RoleForm(forms.Form):
    """A member's new role."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class UserCodeForm(forms.Form):
    """The code that a terminal shows."""

    user_code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class TokenForm(forms.Form):
    """What a new API token is for."""

    client_name = forms.CharField(label=_("What is it for?"), max_length=80)


class ImpersonationForm(forms.Form):
    """Why staff act as a customer, where, and for how long."""

    organization = forms.ChoiceField(label=_("Organization"))
    reason = forms.CharField(label=_("Reason"), min_length=5, max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    minutes = forms.IntegerField(label=_("Minutes"), min_value=1, max_value=60, initial=30)

    def __init__(self, *args: Any, organizations: list[Organization], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "organization", [(item.public_id, item.name) for item in organizations])
