"""Checks of a definition: first its form (the JSON Schema), then its meaning. All problems are told at once."""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, cast

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from apps.workflows import limits
from apps.workflows.definition import meaning, references
from apps.workflows.definition.schema import definition_schema
from apps.workflows.definition.sound import sound_part
from apps.workflows.definition.source import Document, Path, Problem, SourceError, dotted, read
from apps.workflows.definition.suggestions import suggested
from apps.workflows.errors import InvalidDefinitionError

MOST_PROBLEMS = 50
LISTS = {
    "steps": limits.STEPS_PER_DEFINITION,
    "otherwise": limits.STEPS_PER_DEFINITION,
    "branches": 20,
    "triggers": limits.TRIGGERS_PER_DEFINITION,
}


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(definition_schema())


def check_source(text: str) -> tuple[dict[str, Any] | None, list[Problem]]:
    """The definition in a text and its problems; the definition is None when it can't be read or has problems."""
    try:
        document = read(text)
    except SourceError as error:
        return None, [error.problem]
    problems, places = _form_problems(document)
    part = sound_part(document.data, places) if problems else document.data
    if part is not None and len(problems) < MOST_PROBLEMS:
        problems += [
            Problem(found.path, found.message, found.expected, *document.locate(found.at))
            for found in islice(meaning.check(part), MOST_PROBLEMS)  # each may cost milliseconds
            if not any(place and found.at[: len(place)] == place for place in places)
        ]
    problems.sort(key=lambda problem: (problem.line, problem.column))
    return (document.data if not problems else None), problems[:MOST_PROBLEMS]


def parse_source(text: str) -> dict[str, Any]:
    """The checked definition in a text. Raises `InvalidDefinitionError` with every problem."""
    definition, problems = check_source(text)
    if definition is None:
        raise InvalidDefinitionError([problem.as_dict() for problem in problems])
    return definition


def _form_problems(document: Document) -> tuple[list[Problem], list[Path]]:
    """The first problems of form and their places: it stops at enough of them, because each costs milliseconds."""
    problems, places = list(_long_lists(document, document.data, ())), list[Path]()
    if problems:
        return problems, [("steps",)]
    for error in _validator().iter_errors(document.data):
        path = tuple(error.absolute_path)
        if "with" in path[:-1] and references.has_reference(error.instance):
            continue  # a look-up may stand for any type; the engine checks the value
        message, expected, at = _explain(error)
        problem = Problem(dotted((*path, *at)), message, expected, *document.locate((*path, *at)))
        if problem not in problems:
            problems.append(problem)
            places.append((*path, *at))
        if len(problems) >= MOST_PROBLEMS:
            break
    return problems, places


def _long_lists(document: Document, value: Any, path: Path) -> Iterator[Problem]:
    """Lists of steps or triggers above their limit: told before each member is looked at against the schema."""
    found = list(_lists(value, path))
    for where, length in found:
        most = LISTS[str(where[-1])]
        if length > most:
            expected = _("at most %(bound)s items") % {"bound": most}
            yield Problem(dotted(where), _("The value is out of bounds."), expected, *document.locate(where))
            return
    if sum(length for where, length in found if where[-1] in {"steps", "otherwise"}) > limits.STEPS_PER_DEFINITION:
        expected = _("at most %(most)s") % {"most": limits.STEPS_PER_DEFINITION}
        yield Problem("steps", _("There are too many steps."), expected, *document.locate(("steps",)))


def _lists(value: Any, path: Path) -> Iterator[tuple[Path, int]]:
    """Path and length of every list of steps, branches or triggers."""
    if isinstance(value, list):
        if path and path[-1] in LISTS:
            yield path, len(value)
        for index, item in enumerate(value):
            yield from _lists(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in {"with", "inputs", "items", "output"}:
                yield from _lists(item, (*path, key))


def _explain(error: ValidationError) -> tuple[str, str, tuple[str, ...]]:
    """(message, expectation, what to add to the path) of one schema error."""
    rule, value, instance = str(error.validator), cast(Any, error.validator_value), cast(Any, error.instance)
    schema = cast(dict[str, Any], error.schema)
    if rule == "required":
        missing = next(name for name in value if name not in instance and f"'{name}'" in error.message)
        return _("“%(name)s” is missing.") % {"name": missing}, _description(schema, missing), ()
    if rule == "additionalProperties":
        known = sorted(schema.get("properties", {}))
        unknown = next(name for name in instance if name not in known)
        return (
            suggested(_("“%(name)s” is not known here.") % {"name": unknown}, unknown, known),
            _("one of %(names)s") % {"names": ", ".join(known)},
            (unknown,),
        )
    if rule == "type":
        wanted = value if isinstance(value, str) else _(" or ").join(value)
        return _("This is %(kind)s.") % {"kind": _kind(instance)}, wanted, ()
    if rule in {"enum", "const"}:
        allowed = value if rule == "enum" else [value]
        return (
            suggested(
                _("“%(value)s” is not allowed here.") % {"value": str(instance)[:80]}, instance, map(str, allowed)
            ),
            _("one of %(names)s") % {"names": ", ".join(map(str, allowed))},
            (),
        )
    if rule == "pattern":
        hint = schema.get("description") or _("text that matches %(pattern)s") % {"pattern": value}
        return _("“%(value)s” has the wrong form.") % {"value": str(instance)[:80]}, str(hint), ()
    bounds = {
        "minimum": _("at least %(bound)s"),
        "maximum": _("at most %(bound)s"),
        "minLength": _("at least %(bound)s characters"),
        "maxLength": _("at most %(bound)s characters"),
        "minItems": _("at least %(bound)s items"),
        "maxItems": _("at most %(bound)s items"),
        "minProperties": _("at least %(bound)s entries"),
        "maxProperties": _("at most %(bound)s entries"),
    }
    if rule in bounds:
        return _("The value is out of bounds."), bounds[rule] % {"bound": value}, ()
    return error.message[:200], "", ()


def _description(schema: dict[str, Any], name: str) -> str:
    member = schema.get("properties", {}).get(name, {})
    return str(member.get("description") or member.get("type") or "")


def _kind(instance: Any) -> str:
    names = {bool: _("true or false"), int: _("a number"), float: _("a number"), str: _("text")}
    names |= {list: _("a list"), dict: _("a mapping"), type(None): _("empty")}
    return names.get(type(instance), type(instance).__name__)
