"""Definitions: every mistake is told with its line, path and what was expected."""
# ruff: noqa: E501 - one case a line reads best

import time

import pytest

from apps.workflows.definition.schema import definition_schema
from apps.workflows.definition.validate import check_source, parse_source
from apps.workflows.errors import InvalidDefinitionError

HEAD = "name: T\n"


def only(text):
    definition, problems = check_source(text)
    assert definition is None
    assert len(problems) == 1, [problem.as_dict() for problem in problems]
    return problems[0]


@pytest.mark.parametrize(
    ("text", "line", "path", "says", "expects"),
    [
        ("steps: [{id: a, type: delay, with: {for: 1s}}]", 1, "$", "“name” is missing", ""),
        (HEAD + "steps: []", 2, "steps", "out of bounds", "at least 1"),
        (HEAD + "steps:\n  - {id: a, type: magic}", 3, "steps[0].type", "“magic”", "http"),
        (HEAD + "steps:\n  - {id: A!, type: delay, with: {for: 1s}}", 3, "steps[0].id", "wrong form", ""),
        (HEAD + "steps:\n  - {id: a, type: http, with: {}}", 3, "steps[0].with", "“url” is missing", "http"),
        (HEAD + "steps:\n  - {id: a, type: http}", 3, "steps[0]", "“with” is missing", ""),
        (HEAD + "colour: red\nsteps: [{id: a, type: delay, with: {for: 1s}}]", 2, "colour", "not known", "steps"),
        (
            HEAD + "steps:\n  - id: a\n    type: http\n    with: {url: x, methd: GET}",
            5, "steps[0].with.methd", "not known", "method",
        ),
        (HEAD + "steps: [{id: a, type: http, with: {url: 5}}]", 2, "steps[0].with.url", "a number", "string"),
        (
            HEAD + "steps:\n  - {id: a, type: transform, with: {value: 1}}\n  - {id: a, type: transform, with: {value: 1}}",
            4, "steps[1].id", "Another step", "unique",
        ),
        (
            HEAD + "steps:\n  - {id: a, type: transform, with: {value: '{{ steps.b.output }}'}}\n"
            "  - {id: b, type: transform, with: {value: 1}}",
            3, "steps[0].with.value", "No step “b”", "no step",
        ),
        (
            HEAD + "steps:\n  - {id: a, type: transform, with: {value: '{{ steps.a.output }}'}}",
            3, "steps[0].with.value", "No step “a”", "",
        ),
        (HEAD + "steps: [{id: a, type: transform, with: {expression: 'a['}}]", 2, "steps[0].with.expression", "JMESPath", ""),
        (HEAD + "steps: [{id: a, type: transform, with: {value: '{{ 1 + 1 }}'}}]", 2, "steps[0].with.value", "no look-up", ""),
        (HEAD + "steps: [{id: a, type: transform, with: {value: '{{ foo.x }}'}}]", 2, "steps[0].with.value", "“foo”", "inputs"),
        (
            HEAD + "inputs: {type: object, properties: {x: {}}}\n"
            "steps: [{id: a, type: transform, with: {value: '{{ inputs.y }}'}}]",
            3, "steps[0].with.value", "No input", "x",
        ),
        (
            HEAD + "triggers:\n  - {name: t, type: cron, cron: '99 * * * *'}\nsteps: [{id: a, type: delay, with: {for: 1s}}]",
            3, "triggers[0].cron", "five-field", "",
        ),
        (
            HEAD + "triggers:\n  - {name: t, type: cron, cron: '0 9 * * *', timezone: Mars/Base}\n"
            "steps: [{id: a, type: delay, with: {for: 1s}}]",
            3, "triggers[0].cron", "Mars/Base", "",
        ),
        (HEAD + "timeout: 300d\nsteps: [{id: a, type: delay, with: {for: 1s}}]", 2, "timeout", "so long", "30d"),
        (HEAD + "output: '{{ secrets.X }}'\nsteps: [{id: a, type: delay, with: {for: 1s}}]", 2, "output", "Secrets", ""),
        (HEAD + "steps: [{id: a, type: delay, with: {for: 1s, until: '2030-01-01'}}]", 2, "steps[0].with", "out of bounds", ""),
        (
            HEAD + "steps:\n  - {id: e, type: foreach, items: '{{ inputs.l }}', as: inputs, "
            "steps: [{id: a, type: delay, with: {for: 1s}}]}",
            3, "steps[0].as", "meaning already", "",
        ),
        (
            HEAD + "steps:\n  - {id: e, type: foreach, items: '{{ inputs.l }}', steps: [{id: i, type: delay, with: {for: 1s}}]}\n"
            "  - {id: b, type: transform, with: {value: '{{ steps.i.output }}'}}",
            4, "steps[1].with.value", "No step “i”", "e",
        ),
        (
            HEAD + "inputs: {type: object, properties: {x: {$ref: 'http://evil.example/s.json'}}}\n"
            "steps: [{id: a, type: delay, with: {for: 1s}}]",
            2, "inputs.properties.x.$ref", "refer to itself", "",
        ),
        (HEAD + "inputs: {type: array}\nsteps: [{id: a, type: delay, with: {for: 1s}}]", 2, "inputs.type", "named values", ""),
    ],
)  # fmt: skip
def test_each_mistake_is_told_exactly(text, line, path, says, expects):
    found = only(text)
    assert (found.line, found.path) == (line, path)
    assert says in found.message
    assert expects in found.expected


def test_all_mistakes_are_told_at_once():
    _definition, problems = check_source("steps:\n  - {id: a, type: http, with: {}}\n  - {type: delay}\n")
    assert [problem.path for problem in problems] == ["$", "steps[0].with", "steps[1]", "steps[1]"] or len(
        problems
    ) >= 3


@pytest.mark.parametrize(
    ("steps", "meant"),
    [
        ("[{id: a, type: transfrm, with: {value: 1}}]", "transform"),
        ("[{id: a, type: http, with: {url: x, methd: GET}}]", "method"),
        (
            "[{id: greeting, type: transform, with: {value: 1}}, {id: b, type: transform, with: {value: '{{ steps.greting.output }}'}}]",
            "greeting",
        ),
        ("[{id: a, type: transform, with: {value: '{{ inputs.custmer }}'}}]", "customer"),
        ("[{id: a, type: transform, with: {value: '{{ input.customer }}'}}]", "inputs"),
    ],
)
def test_what_was_meant_is_suggested(steps, meant):
    found = only(HEAD + "inputs: {type: object, properties: {customer: {}}}\nsteps: " + steps)
    assert found.message.endswith(f"Did you mean “{meant}”?")


def test_a_place_has_one_mistake():
    found = only(HEAD + "steps: [{id: a, type: http, with: {url: x, method: ['{{ steps.zz.output }}']}}]")
    assert found.path == "steps[0].with.method"


def test_nothing_is_suggested_for_a_word_of_its_own():
    assert "mean" not in only(HEAD + "steps: [{id: a, type: magic}]").message


def test_mistakes_of_form_and_of_meaning_are_told_together():
    text = (
        HEAD
        + """colour: red
timeout: soon
steps:
  - {id: a, type: transfrm, with: {value: '{{ steps.zz.output }} {{ secrets.X }}'}}
  - {id: pause, type: delay, with: {for: soon}}
  - id: check
    type: branch
    branches:
      - when: "inputs.x"
        steps: [{id: b, type: transfrm, with: {value: '{{ steps.a.output }}'}}]
  - {id: c, type: transform, with: {value: '{{ steps.b.output }} {{ steps.zz.output }}'}}
"""
    )
    _definition, problems = check_source(text)
    assert [(problem.line, problem.path) for problem in problems] == [
        (2, "colour"),
        (3, "timeout"),
        (5, "steps[0].type"),
        (5, "steps[0].with.value"),
        (6, "steps[1].with.for"),
        (11, "steps[2].branches[0].steps[0].type"),
        (12, "steps[3].with.value"),
    ]


@pytest.mark.parametrize(
    "steps",
    [
        "[{type: delay}, {id: b, type: transform, with: {value: '{{ steps.a.output }}'}}]",
        "[{id: a, type: foreech, items: [1], steps: [{id: i, type: delay, with: {for: 1s}}]}, {id: b, type: transform, with: {value: '{{ steps.a.output }}'}}]",
        "[5, {id: b, type: transform, with: {value: '{{ steps.a.output }}'}}]",
        "5",
    ],
)
def test_no_mistake_follows_from_another(steps):
    _definition, problems = check_source(HEAD + f"steps: {steps}")
    assert problems
    assert not [problem for problem in problems if "steps[1]" in problem.path]


def test_a_reference_may_stand_for_any_type():
    text = HEAD + "steps: [{id: a, type: http, with: {url: x, expect: '{{ inputs.codes }}'}}]"
    assert parse_source(text)["steps"][0]["with"]["expect"] == "{{ inputs.codes }}"


def test_a_reference_does_not_stand_for_all_of_with():
    found = only(HEAD + "inputs: {type: object}\nsteps: [{id: a, type: http, with: '{{ inputs.x }}'}]")
    assert (found.path, found.expected) == ("steps[0].with", "object")


def test_the_error_carries_every_problem():
    with pytest.raises(InvalidDefinitionError) as caught:
        parse_source("name: 5")
    assert {problem["path"] for problem in caught.value.extra["errors"]} == {"$", "name"}


def test_too_deep_nesting_of_steps_is_refused():
    inner = "{id: x, type: transform, with: {value: 1}}"
    for number in range(12):
        inner = f"{{id: f{number}, type: foreach, items: ['1'], as: i{number}, steps: [{inner}]}}"
    definition, problems = check_source(f"name: T\nsteps: [{inner}]")
    assert definition is None
    assert "too deeply" in problems[0].message


def test_the_schema_names_every_step_type():
    types = definition_schema()["$defs"]["step"]["properties"]["type"]["enum"]
    assert types == ["approval", "branch", "delay", "email", "foreach", "http", "notion", "subflow", "transform"]


@pytest.mark.parametrize(
    "text",
    [
        "name: a\nsteps: [" + ",".join(["1"] * 8000) + "]",
        "name: a\nsteps: [" + ",".join(["{id: 1, type: http}"] * 150) + "]",
        "name: a\nsteps: [{id: a, type: delay, with: {for: 1s}}]\ntriggers: [" + ",".join(["1"] * 8000) + "]",
        "name: [" + ",".join(["[]"] * 80_000) + "]",
        "name: a\nsteps: [{id: a, type: delay, with: {for: 1s}, skip_if: '" + "[" * 900 + "'}]",
        "{\t\"name\": [" + ",".join(["1"] * 80_000) + "]}",
        HEAD + "steps: [{id: b, type: branch, branches: ["
        + ",".join("{when: a, steps: [" + ",".join(["{id: a}"] * 190) + "]}" for _ in range(5)) + "]}]",
    ],
    ids=["numbers", "wrong steps", "triggers", "parts", "deep expression", "json", "nested"],
)  # fmt: skip
def test_texts_with_very_many_problems_are_told_soon(text):
    began = time.process_time()
    definition, problems = check_source(text)
    assert definition is None
    assert 1 <= len(problems) <= 50
    assert time.process_time() - began < 10


def test_a_text_full_of_open_braces_is_read_once():
    began = time.process_time()
    check_source("name: a\nsteps: [{id: a, type: transform, with: {value: '" + "{{" * 100_000 + "'}}]")
    assert time.process_time() - began < 10


@pytest.mark.parametrize(
    "step",
    [
        "{id: a, type: transform, with: {expression: 'reverse(@)', input: '{{ secrets.X }}'}}",
        "{id: a, type: subflow, with: {workflow: other, inputs: {x: '{{ secrets.X }}'}}}",
        "{id: a, type: approval, with: {message: 'Is {{ secrets.X }} right?'}}",
        "{id: a, type: email, with: {to: a@example.com, subject: s, text: '{{ secrets.X }}'}}",
    ],
)
def test_secrets_are_for_steps_that_call_out(step):
    _definition, problems = check_source(f"{HEAD}steps: [{step}]")
    assert [("Secrets" in problem.message, problem.path.startswith("steps[0].with")) for problem in problems] == [
        (True, True)
    ]


def near(count, kind="'{{ inputs.customer_%s }}'"):
    """Look-ups that are each near to very many names."""
    return ", ".join(kind % f"{number:05}_abcdefghijklmnopqrstuvwxyz" for number in range(count))


@pytest.mark.parametrize("broken", ["", "method: 5, "], ids=["meaning alone", "in a step with a mistake of form"])
def test_what_was_meant_is_not_looked_for_without_end(broken):
    names = near(700, "customer_%s_: {}")
    step = f"{{id: a, type: http, with: {{url: x, {broken}json: [{near(700)}]}}}}"
    began = time.process_time()
    _definition, problems = check_source(f"{HEAD}inputs: {{properties: {{{names}}}}}\nsteps: [{step}]")
    assert time.process_time() - began < 10
    assert len(problems) == 50
    assert any("Did you mean “customer_00042_abcdefghijklmnopqrstuvwxyz_”?" in problem.message for problem in problems)


def test_names_that_are_alike_all_over_cost_no_more():
    names = ", ".join("ab" * 20 + f"{number:03}" + "ab" * 40 + ": {}" for number in range(300))
    looked_up = ", ".join("'{{ inputs." + "ab" * 20 + f"x{number}" + "ab" * 15 + " }}'" for number in range(60))
    began = time.process_time()
    check_source(
        f"{HEAD}inputs: {{properties: {{{names}}}}}\nsteps: [{{id: a, type: transform, with: {{value: [{looked_up}]}}}}]"
    )
    assert time.process_time() - began < 10


def test_of_very_many_names_the_first_are_listed():
    names = ", ".join(f"n{number:03}{'x' * 200}: {{}}" for number in reversed(range(100)))
    found = only(
        HEAD
        + f"inputs: {{properties: {{{names}}}}}\nsteps: [{{id: a, type: transform, with: {{value: '{{{{ inputs.q }}}}'}}}}]"
    )
    assert found.expected.startswith("one of n000xxx")
    assert found.expected.endswith(", …")
    assert len(found.expected) < 2000


def loops(*ids):
    inner = f"{{id: {ids[-1]}, type: transform, with: {{value: 1}}}}"
    for number, name in enumerate(reversed(ids[:-1])):
        inner = f"{{id: {name}, type: foreach, items: ['1'], as: i{number}, steps: [{inner}]}}"
    return f"{HEAD}steps: [{inner}]"


def test_a_path_that_no_row_holds_is_told_once():
    names = [letter * 60 for letter in "abcd"]
    found = only(loops(*names, "inner"))
    assert (found.path, found.expected) == ("steps[0].steps[0].steps[0].steps[0].id", "at most 200 characters")
    assert "258 characters" in found.message


@pytest.mark.parametrize(("last", "problems"), [("dd", 0), ("ddd", 1)])
def test_a_path_that_just_fits(last, problems):
    names = [letter * 60 for letter in "abc"]
    assert len(check_source(loops(*names, last))[1]) == problems
