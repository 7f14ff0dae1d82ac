"""Forms of the developer pages."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ApiKey
from apps.accounts.permissions import key_scopes
from apps.accounts.services.api_keys import Terms

OVERLAPS = {
    "0": (timedelta(0), _("At once")),
    "1h": (timedelta(hours=1), _("In an hour")),
    "1d": (timedelta(days=1), _("In a day")),
    "7d": (timedelta(days=7), _("In 7 days")),
    "30d": (timedelta(days=30), _("In 30 days")),
}
ENVIRONMENTS = {"live": _("Live data"), "test": _("The sandbox")}


class KeyForm(forms.Form):
    """What a key is called, what it may do, from where and until when."""

    name = forms.CharField(
        label=_("Name"), max_length=120, help_text=_("What uses it, so that you know it again: “Billing server”.")
    )
    environment = forms.ChoiceField(
        label=_("Good for"),
        choices=list(ENVIRONMENTS.items()),
        widget=forms.RadioSelect,
        initial="live",
        required=False,
        help_text=_("In the sandbox nothing is called or sent, and a day has 100 calls."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Only as far as your own role goes."),
    )
    networks = forms.CharField(
        label=_("Allowed networks"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(
            attrs={"rows": 2, "class": "code", "spellcheck": "false", "placeholder": "203.0.113.0/24"}
        ),
        help_text=_("One per line, as CIDR. Empty: from anywhere."),
    )
    expires_at = forms.DateTimeField(
        label=_("Expires"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("In UTC. Empty: never."),
    )

    def __init__(
        self, data: Any = None, *, key: ApiKey | None = None, environments: Sequence[str] = ("live", "test")
    ) -> None:
        initial: dict[str, Any] = {"scopes": list(key_scopes())}
        if key is not None:
            networks = "\n".join(key.networks)
            initial = {"name": key.name, "scopes": key.scopes, "networks": networks, "expires_at": key.expires_at}
        initial["environment"] = environments[0] if environments else ""
        super().__init__(data, initial=initial)
        if key is not None:
            del self.fields["environment"]
        elif isinstance(field := self.fields["environment"], forms.ChoiceField):
            field.choices = [(code, label) for code, label in ENVIRONMENTS.items() if code in environments]
        field = self.fields["scopes"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = [(scope, permission.label) for scope, permission in key_scopes().items()]

    def clean_environment(self) -> str:
        """“live” where nothing was chosen."""
        return self.cleaned_data["environment"] or "live"

    def terms(self) -> Terms:
        """What was asked for, of a valid form."""
        wanted = self.cleaned_data
        return Terms(wanted["name"], wanted["scopes"], wanted["networks"].split(), wanted["expires_at"])


class RotateForm(forms.Form):
    """When the old key ends."""

    overlap = forms.ChoiceField(
        label=_("The old key ends"),
        choices=[(name, label) for name, (_length, label) in OVERLAPS.items()],
        initial="1d",
        help_text=_(
            "Until then both are good, so that no program stands still while it gets the new one. "
            "At most two are: a key that an earlier rotation left good ends now."
        ),
    )

    def length(self) -> timedelta:
        """How long the old key stays good."""
        return OVERLAPS[self.cleaned_data["overlap"]][0]
