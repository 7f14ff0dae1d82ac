"""A form out of a workflow's `inputs`: one field for each property of the JSON Schema."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.core.json_values import is_too_deep

ABSENT: Any = object()
LONG = 200  # characters from which a text gets a text area
INPUT_TYPES = {"email": "email", "uri": "url", "date": "date", "time": "time"}


class RunForm(forms.Form):
    """The inputs of one run. `values()` is their JSON; `refuse(errors)` puts the engine's findings beside fields."""

    token = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, schema: Mapping[str, Any], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.names: dict[str, str] = {}
        self.whole = ""
        properties = schema.get("properties") or {}
        required = set(schema.get("required", ()))
        for number, (name, rule) in enumerate(properties.items()):
            self.names[f"input_{number}"] = name
            self.fields[f"input_{number}"] = _field(name, rule if isinstance(rule, dict) else {}, name in required)
        if schema and not properties and schema.get("additionalProperties") is not False:
            self.whole = "inputs"
            self.fields["inputs"] = JsonField(dict, label=_("Inputs"), initial="{}", required=False)

    def values(self) -> dict[str, Any]:
        """The inputs as JSON; what was left empty is left out."""
        if self.whole:
            whole: dict[str, Any] = self.cleaned_data["inputs"]
            return {} if whole is ABSENT else whole
        found = {name: self.cleaned_data[field] for field, name in self.names.items()}
        return {name: value for name, value in found.items() if value is not ABSENT}

    def refuse(self, errors: list[dict[str, str]]) -> None:
        """Tell what does not fit, each beside its field."""
        fields = {name: field for field, name in self.names.items()}
        for error in errors:
            name, _dot, rest = error["path"].partition(".")
            field = fields.get(name)
            message = f"{rest}: {error['message']}" if rest else error["message"]
            self.add_error(field, message if field else f"{error['path']}: {error['message']}")

    @property
    def inputs(self) -> list[forms.BoundField]:
        """The fields to be shown."""
        return [self[name] for name in self.fields if name != "token"]


class OptionalMixin:
    """A field whose emptiness means "not given", not an empty value."""

    empty_value: Any

    def clean(self, value: Any) -> Any:
        """The value, or ABSENT."""
        cleaned = super().clean(value)  # type: ignore[misc] # the field that this is mixed into
        return ABSENT if cleaned is None or cleaned == "" else cleaned


class TextField(OptionalMixin, forms.CharField):
    """A text."""


class WholeField(OptionalMixin, forms.IntegerField):
    """A whole number."""


class NumberField(OptionalMixin, forms.FloatField):
    """A number; 3.0 stays 3."""

    def to_python(self, value: Any) -> Any:
        """The number."""
        number = super().to_python(value)
        return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else number


class OneOfField(OptionalMixin, forms.TypedChoiceField):
    """One of the schema's values, chosen by its place."""

    def __init__(self, values: list[Any], *, required: bool, initial: Any, **kwargs: Any) -> None:
        choices: list[tuple[str, Any]] = [
            (str(number), value if isinstance(value, str) else json.dumps(value)) for number, value in enumerate(values)
        ]
        if not required or initial is None:
            choices.insert(0, ("", _("Choose…") if required else _("Nothing")))
        place = str(values.index(initial)) if initial in values else None
        super().__init__(
            choices=choices, coerce=lambda text: values[int(text)], required=required, initial=place, **kwargs
        )


class JsonField(OptionalMixin, forms.CharField):
    """A list or mapping written as JSON."""

    widget = forms.Textarea(attrs={"class": "code", "rows": 5, "spellcheck": "false"})

    def __init__(self, kind: type | None, **kwargs: Any) -> None:
        self.kind = kind
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> Any:
        """The data. Raises `ValidationError` with the place of the mistake."""
        text = super().to_python(value)
        if not text:
            return None
        if is_too_deep(text.encode(errors="replace")):
            raise ValidationError(_("This is nested too deeply."))
        try:
            data = json.loads(text)
        except ValueError as error:
            line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
            raise ValidationError(
                _("This is no JSON: line %(line)s, column %(column)s."), params={"line": line, "column": column}
            ) from error
        if self.kind is not None and not isinstance(data, self.kind):
            expected = _("a list, such as [1, 2]") if self.kind is list else _('a mapping, such as {"a": 1}')
            raise ValidationError(_("This should be %(expected)s."), params={"expected": expected})
        return data

    def validate(self, value: Any) -> None:
        """An empty list is a value too."""
        if value is None and self.required:
            raise ValidationError(self.error_messages["required"])

    def run_validators(self, value: Any) -> None:
        """The schema's own rules come later, from the engine."""


def _field(name: str, rule: Mapping[str, Any], required: bool) -> forms.Field:
    default = rule.get("default")
    common: dict[str, Any] = {
        "label": rule.get("title") or name.replace("_", " ").capitalize(),
        "help_text": rule.get("description", ""),
        "required": required and "default" not in rule,
    }
    kind = rule.get("type", "string" if "format" in rule or "pattern" in rule else None)
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    if "const" in rule or isinstance(rule.get("enum"), list):
        return OneOfField(rule.get("enum", [rule.get("const")]), initial=default, **common)
    if kind == "boolean":
        return forms.BooleanField(initial=bool(default), **{**common, "required": False})
    if kind in {"integer", "number"}:
        return (WholeField if kind == "integer" else NumberField)(
            initial=default,
            min_value=_bound(rule.get("minimum")),
            max_value=_bound(rule.get("maximum")),
            **common,
        )
    if kind == "string":
        return TextField(
            initial=default,
            strip=False,
            widget=_text_widget(rule),
            min_length=rule.get("minLength"),
            max_length=rule.get("maxLength"),
            **common,
        )
    shown = "" if default is None else json.dumps(default, indent=2, ensure_ascii=False)
    return JsonField({"array": list, "object": dict}.get(str(kind)), initial=shown, **common)


def _bound(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text_widget(rule: Mapping[str, Any]) -> forms.Widget:
    if rule.get("writeOnly") or rule.get("format") == "password":
        return forms.PasswordInput(render_value=True, attrs={"autocomplete": "off"})
    if rule.get("maxLength", 0) > LONG or rule.get("format") == "multiline":
        return forms.Textarea(attrs={"rows": 4})
    widget = forms.TextInput()
    widget.input_type = INPUT_TYPES.get(str(rule.get("format")), "text")
    return widget
