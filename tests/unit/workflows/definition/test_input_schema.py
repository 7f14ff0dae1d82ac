"""Schemas of inputs: what is refused before a run has to be checked against it."""

import pytest

from apps.workflows.definition.input_schema import problems


def doubling(levels: int, word: str) -> dict:
    names = {f"d{n}": {word: [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**names, f"d{levels}": {"type": "object"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
        {"properties": {"$id": {"type": "string"}, "country": {"enum": [f"c{n}" for n in range(250)]}}},
        doubling(3, "anyOf"),
        {"properties": {f"a{n}": {"uniqueItems": n < 20} for n in range(100)}},
    ],
)
def test_sound_schemas_pass(schema):
    assert list(problems(schema)) == []


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "array"}, "named values"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}}, "circle"),
        ({"properties": {"c": {"$ref": "#"}}}, "refer to itself"),
        ({"properties": {"c": {"$ref": "#/properties"}}}, "circle"),
        ({"properties": {"a": {"$ref": "https://example.com/schema"}}}, "refer to itself"),
        ({"properties": {"a": {"$ref": "#/$defs/none"}}}, "leads nowhere"),
        ({"$id": "https://example.com/"}, "not allowed"),
        ({"$dynamicRef": "#a"}, "not allowed"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "this version"),
        ({"properties": {"a": {"pattern": "("}}}, "regex"),
        ({"properties": {"a": {"type": "strange"}}}, "strange"),
        ({"properties": {"a": {"enum": list(range(3000))}}}, "too large"),
        ({"properties": {f"a{n}": {"uniqueItems": True} for n in range(100)}}, "too large"),
        (doubling(24, "anyOf"), "too large"),
        (doubling(24, "allOf"), "too large"),
    ],
)
def test_what_is_refused_and_why(schema, words):
    [problem] = problems(schema)
    assert words in problem.message


@pytest.mark.parametrize(
    ("schema", "at"),
    [
        ({"properties": {"a": {"pattern": "a{99999999999}"}}}, ("properties", "a", "pattern")),
        ({"patternProperties": {"a{99999999999}": {}}}, ("patternProperties",)),
        ({"properties": {"a": {"pattern": "("}}}, ("properties", "a", "pattern")),
    ],
)
def test_a_pattern_that_is_none_is_told_at_its_place(schema, at):
    [problem] = problems(schema)
    assert problem.at[: len(at)] == at
    assert "regex" in problem.message
