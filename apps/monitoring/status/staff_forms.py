"""What staff fill in to tell people of incidents and maintenance."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from apps.core.clock import now
from apps.monitoring.models import Incident, IncidentComponent, IncidentTemplate
from apps.monitoring.selectors.uptime import components
from apps.monitoring.status.words import LineField, WordsField, readable

UNTOUCHED = ""
EFFECT = "effect_"
Effect = IncidentComponent.Effect


def component_names() -> list[tuple[str, str]]:
    """Each component and what it is called."""
    return [(one.name, str(one.label)) for one in components()]


def effect_field(label: str) -> forms.ChoiceField:
    """What it does to one component."""
    offered: list[tuple[str, Any]] = [(UNTOUCHED, _("Not affected"))]
    offered += [(effect.value, effect.label) for effect in Effect if effect != Effect.MAINTENANCE]
    return forms.ChoiceField(label=label, choices=offered, required=False)


def effects_of(data: dict[str, Any]) -> dict[str, str]:
    """By component, of those that are affected."""
    return {name.removeprefix(EFFECT): value for name, value in data.items() if name.startswith(EFFECT) and value}


class UpdateForm(forms.Form):
    """The next thing to tell."""

    template = forms.ModelChoiceField(
        IncidentTemplate.objects.all(),
        label=_("Template"),
        required=False,
        help_text=_("Its words are used where none are written below."),
    )
    state = forms.ChoiceField(label=_("State"))
    words = WordsField(
        label=_("What is told"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Goes to the page, the feed and everybody who subscribed."),
    )

    def __init__(self, row: Incident, data: Any = None) -> None:
        states = Incident.OF_MAINTENANCE if row.is_maintenance else Incident.OF_INCIDENTS
        super().__init__(data, initial={"state": row.state})
        self.fields["state"].choices = [(state.value, state.label) for state in states]  # type: ignore[attr-defined] # it is a ChoiceField
        if not row.is_maintenance:
            now_told = dict(row.components.values_list("component", "effect"))
            for name, label in component_names():
                self.fields[EFFECT + name] = effect_field(label)
                self.initial[EFFECT + name] = now_told.get(name, UNTOUCHED)

    def clean(self) -> dict[str, Any]:
        """The template's words, where there are none."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        words = (given.get("words") or "").strip()
        template = given.get("template")
        if not words and template is not None:
            words = readable(template.words)
        if not words:
            self.add_error("words", _("Say what is going on, or choose a template."))
        given["words"] = words
        return given


class CancelForm(forms.Form):
    """What people are told who reckoned with it."""

    words = WordsField(
        label=_("What is told"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("Goes to the page, the feed and everybody who subscribed."),
    )

    def __init__(self, row: Incident, data: Any = None) -> None:
        super().__init__(data, initial={"words": _("The maintenance will not take place.")})


class TemplateForm(forms.ModelForm):
    """Words to begin with."""

    class Meta:
        model = IncidentTemplate
        fields = ("name", "title", "state", "words")
        field_classes = {"title": LineField, "words": WordsField}


class NewIncidentForm(forms.ModelForm):
    """A new incident, or maintenance to announce."""

    words = WordsField(
        label=_("What is told"),
        max_length=4000,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 5}),
        help_text=_("Goes to the page, the feed and everybody who subscribed."),
    )
    affected = forms.MultipleChoiceField(
        label=_("Components"), choices=component_names, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    effect = forms.ChoiceField(
        label=_("Effect on them"),
        choices=[(effect.value, effect.label) for effect in Effect if effect != Effect.MAINTENANCE],
        initial=Effect.DEGRADED,
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Of an incident; each component can be told apart by the next update."),
    )

    class Meta:
        model = Incident
        fields = ("kind", "title", "starts_at", "ends_at")
        field_classes = {"title": LineField}

    def clean(self) -> dict[str, Any]:
        """Maintenance has a time that is yet to come, an incident none. Each refusal stands at what is to be mended."""
        given: dict[str, Any] = super().clean() or self.cleaned_data
        starts, ends = given.get("starts_at"), given.get("ends_at")
        if given.get("kind") == Incident.Kind.MAINTENANCE:
            if not starts:
                self._ask("starts_at", _("Say when the maintenance starts."))
            if not ends:
                self._ask("ends_at", _("Say when the maintenance ends."))
            elif ends <= now() or (starts and ends <= starts):
                self._ask("ends_at", _("Maintenance ends after it starts, and in the future."))
            if not given.get("affected"):
                self._ask("affected", _("Say which components are maintained."))
            return given
        for name in ("starts_at", "ends_at"):
            if given.get(name):
                self._ask(name, _("Only maintenance has a time: leave it empty."))
        return given

    def _ask(self, name: str, words: Any) -> None:
        """One message is enough: what could not be read was told already."""
        if name not in self.errors:
            self.add_error(name, words)

    def effects(self) -> dict[str, str]:
        """What it does to which component."""
        return dict.fromkeys(self.cleaned_data["affected"], self.cleaned_data["effect"] or Effect.DEGRADED)

    def _post_clean(self) -> None:
        """The row is made by a service; its states follow from what was filled in."""
        is_maintenance = self.cleaned_data.get("kind") == Incident.Kind.MAINTENANCE
        self.instance.state = Incident.State.SCHEDULED if is_maintenance else Incident.State.INVESTIGATING
        self.instance.impact = Incident.Impact.MAINTENANCE if is_maintenance else Incident.Impact.NONE
        super()._post_clean()  # type: ignore[misc] # Django's own hook
