"""The JSON Schema of a workflow's inputs, as customers write it: sound, and of bounded cost to check.

References are what makes a short schema expensive: each of twenty definitions that names the next one twice doubles
the work, and a circle doubles it with each level of the data. So references may not run in circles, and with each of
them written out the schema may not be too large.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError

from apps.workflows import limits
from apps.workflows.definition.source import Path

# They change what a reference means, or where it leads while the data is checked.
REFUSED = frozenset({"$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef", "$recursiveAnchor"})
DRAFTS = ("https://json-schema.org/draft/2020-12/schema", "https://json-schema.org/draft/2020-12/schema#")
UNIQUE_PARTS = 50  # what `uniqueItems` costs with a long list, in parts that look at each member once
# Patterns are judged by the validator that will use them; Python's own breaks on some, such as a{99999999999}.
UNCHECKED = FormatChecker(formats=())


class SchemaProblem(Exception):
    """What is wrong, where, and what is expected."""

    def __init__(self, at: Path, message: str, expected: str = "") -> None:
        self.at, self.message, self.expected = at, message, expected
        super().__init__(message)


def problems(schema: Mapping[str, Any]) -> Iterator[SchemaProblem]:
    """Why the schema can't be used; the first reason is enough."""
    try:
        if schema.get("type", "object") != "object":
            raise SchemaProblem(("type",), _("Inputs are named values."), "object")
        if schema.get("$schema", DRAFTS[0]) not in DRAFTS:
            raise SchemaProblem(("$schema",), _("Only this version of JSON Schema is understood."), DRAFTS[0])
        _Weighing(schema).weigh(schema, ())
        Draft202012Validator.check_schema(schema, format_checker=UNCHECKED)
        jsonschema_rs.validator_for(dict(schema), pattern_options=jsonschema_rs.RegexOptions(), offline=True)
    except SchemaProblem as problem:
        yield problem
    except SchemaError as error:
        yield SchemaProblem(tuple(error.absolute_path), error.message[:200], _("a JSON Schema"))
    except jsonschema_rs.ValidationError as error:
        yield SchemaProblem(tuple(error.instance_path), str(error.message)[:200], _("a JSON Schema"))
    except RecursionError:
        yield SchemaProblem((), _("The schema is nested too deeply."), _("a JSON Schema"))


class _Weighing:
    """Counts a schema's parts with every reference written out. Raises `SchemaProblem`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._schema = schema
        self._known: dict[str, int] = {}
        self._open: set[str] = set()

    def weigh(self, value: Any, path: Path) -> int:
        """The parts of a value."""
        weight = 1
        if isinstance(value, Mapping):
            for key, item in value.items():
                here = (*path, key)
                if key in REFUSED and isinstance(item, str | bool):
                    raise SchemaProblem(here, _("“%(name)s” is not allowed here.") % {"name": key}, "$ref")
                if key == "uniqueItems" and item is True:
                    weight += UNIQUE_PARTS
                weight += (
                    self._target(item, here) if key == "$ref" and isinstance(item, str) else self.weigh(item, here)
                )
        elif isinstance(value, list):
            weight += sum(self.weigh(item, (*path, index)) for index, item in enumerate(value))
        if weight > limits.INPUT_SCHEMA_PARTS:
            most = _("at most %(most)s parts, with every $ref written out") % {"most": limits.INPUT_SCHEMA_PARTS}
            raise SchemaProblem(path[:2], _("The schema is too large."), most)
        return weight

    def _target(self, reference: str, path: Path) -> int:
        """The parts of what a reference names."""
        if not reference.startswith("#/"):
            raise SchemaProblem(path, _("A schema may only refer to itself."), "#/$defs/…")
        if reference in self._open:
            raise SchemaProblem(path, _("The references run in a circle."), _("a schema that ends"))
        if reference not in self._known:
            self._open.add(reference)
            self._known[reference] = self.weigh(self._find(reference, path), path)
            self._open.discard(reference)
        return self._known[reference]

    def _find(self, reference: str, path: Path) -> Any:
        value: Any = self._schema
        for part in unquote(reference[2:]).split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(value, list) and key.isascii() and key.isdigit() and len(key) < 6 and int(key) < len(value):
                value = value[int(key)]
            elif isinstance(value, Mapping) and key in value:
                value = value[key]
            else:
                raise SchemaProblem(path, _("“%(name)s” leads nowhere.") % {"name": reference[:80]}, "#/$defs/…")
        return value
