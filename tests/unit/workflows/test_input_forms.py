"""A form out of a JSON Schema: a field for each property, JSON out of it again."""

from typing import Any

import pytest
from django import forms

from apps.workflows.input_forms import RunForm

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["who", "region"],
    "properties": {
        "who": {"type": "string", "title": "Recipient", "description": "Who gets it.", "format": "email"},
        "amount": {"type": "integer", "minimum": 1, "maximum": 9, "default": 3},
        "ratio": {"type": ["number", "null"]},
        "urgent": {"type": "boolean", "default": True},
        "region": {"enum": ["eu", 2, None]},
        "tags": {"type": "array", "default": ["a"]},
        "options": {"type": "object"},
        "long": {"type": "string", "maxLength": 5000},
        "anything": True,
    },
}
FILLED = {"input_0": "a@example.com", "input_1": "4", "input_3": "on", "input_4": "1", "input_5": '["x"]'}


def filled(**changes: str) -> RunForm:
    return RunForm(SCHEMA, {**FILLED, **changes})


def test_each_property_has_its_kind_of_field() -> None:
    form = RunForm(SCHEMA)
    assert [field.label for field in form.inputs][:4] == ["Recipient", "Amount", "Ratio", "Urgent"]
    assert form.fields["input_0"].help_text == "Who gets it."
    assert 'type="email"' in str(form["input_0"])
    assert 'value="3"' in str(form["input_1"])
    assert 'max="9"' in str(form["input_1"])
    assert "checked" in str(form["input_3"])
    assert isinstance(form.fields["input_7"].widget, forms.Textarea)
    assert form["input_5"].initial == '[\n  "a"\n]'


def test_values_are_json_and_what_is_empty_is_left_out() -> None:
    form = filled(input_2="2.0", input_6='{"a": [1]}')
    assert form.is_valid(), form.errors
    assert form.values() == {
        "who": "a@example.com",
        "amount": 4,
        "ratio": 2,
        "urgent": True,
        "region": 2,
        "tags": ["x"],
        "options": {"a": [1]},
    }
    assert isinstance(form.values()["ratio"], int)


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("input_0", "", "This field is required."),
        ("input_1", "10", "less than or equal to 9"),
        ("input_1", "many", "whole number"),
        ("input_4", "7", "not one of the available choices"),
        ("input_5", "[1,", "This is no JSON: line 1, column"),
        ("input_5", '{"a": 1}', "a list, such as"),
        ("input_6", "[" * 100_000, "no JSON|nested too deeply"),
    ],
)
def test_what_is_wrong_is_told_beside_the_field(field: str, text: str, message: str) -> None:
    form = filled(**{field: text})
    assert not form.is_valid()
    told = form.errors[field][0]
    assert any(part in told for part in message.split("|")), told


def test_findings_of_the_engine_go_to_their_fields() -> None:
    form = filled()
    assert form.is_valid()
    form.refuse([{"path": "options.a", "message": "too small"}, {"path": "$", "message": "too much"}])
    assert form.errors["input_6"] == ["a: too small"]
    assert form.non_field_errors() == ["$: too much"]


def test_inputs_without_named_properties_are_one_mapping() -> None:
    form = RunForm({"type": "object"}, {"inputs": '{"a": 1}'})
    assert form.is_valid()
    assert form.values() == {"a": 1}
    nothing = RunForm({"type": "object"}, {"inputs": ""})
    assert nothing.is_valid()
    assert nothing.values() == {}
    assert not RunForm({"type": "object"}, {"inputs": "[1]"}).is_valid()


def test_no_schema_no_fields() -> None:
    form = RunForm({}, {"token": "abc"})
    assert form.is_valid()
    assert form.inputs == []
    assert form.values() == {}
