"""Forms of the workflow pages."""

from typing import Any

from django import forms
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _

from apps.workflows.models import Run


class PublishForm(forms.Form):
    """A definition and a word about it. `base` is the version that the editing began with."""

    source = forms.CharField(label=_("Definition"), strip=False, widget=forms.Textarea)
    message = forms.CharField(
        label=_("What changed?"),
        max_length=200,
        required=False,
        help_text=_("One line for the list of versions."),
    )
    base = forms.IntegerField(required=False, widget=forms.HiddenInput)


class SecretTextarea(forms.Textarea):
    """A text area that never shows what was typed: not even a refused form sends a secret back."""

    def format_value(self, value: Any) -> None:
        """Nothing, whatever the value is."""


class SecretForm(forms.Form):
    """A secret on its way into the vault; the value is never shown again."""

    name = forms.CharField(
        label=_("Name"),
        max_length=64,
        help_text=mark_safe(  # noqa: S308 - our own words
            _('Letters, digits and underscores. Steps use it as <code class="nowrap">{{ secrets.NAME }}</code>.')
        ),
        widget=forms.TextInput(
            attrs={"class": "code", "autocomplete": "off", "spellcheck": "false", "placeholder": "API_TOKEN"}
        ),
    )
    value = forms.CharField(
        label=_("Value"),
        strip=False,
        help_text=_("Encrypted at once. Nobody can read it back, and it is masked wherever a run shows it."),
        widget=SecretTextarea(attrs={"class": "code", "rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )


class RunFilterForm(forms.Form):
    """What the list of runs is narrowed to."""

    workflow = forms.ChoiceField(label=_("Workflow"), required=False)
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All states")), *Run.State.choices])
    trigger = forms.ChoiceField(
        label=_("Started by"), required=False, choices=[("", _("Started by anything")), *Run.TriggerKind.choices]
    )

    def __init__(self, data: Any, workflows: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["workflow"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All workflows")), *workflows]
        for one in self.fields.values():
            one.widget.attrs["data-submit-on-change"] = True


class DecisionForm(forms.Form):
    """An answer to an approval."""

    decision = forms.ChoiceField(choices=[("approve", _("Approve")), ("reject", _("Reject"))])
    comment = forms.CharField(required=False, max_length=2000)
