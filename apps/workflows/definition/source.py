"""Text to plain data with positions. YAML is read as data only: no tags, no anchors, no aliases, no dates.

JSON is a subset of what is read here. Size and depth are capped before anything is built.
"""

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.translation import gettext as _

from apps.core.json_values import is_storable
from apps.workflows import limits
from apps.workflows.definition.references import walk

Path = tuple[str | int, ...]
INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a definition. `line` and `column` count from 1; 0 means the text as a whole."""

    path: str
    message: str
    expected: str = ""
    line: int = 0
    column: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The JSON form that the API and the terminal show."""
        return {
            "line": self.line,
            "column": self.column,
            "path": self.path,
            "message": self.message,
            "expected": self.expected,
        }


class SourceError(Exception):
    """The text can't be read at all."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.message)


@dataclass(frozen=True)
class Document:
    """Plain data and where each part of it stands: path → (line, column)."""

    data: Any
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def locate(self, path: Path) -> tuple[int, int]:
        """The position of the nearest part that is in the text."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, (1, 1))


def dotted(path: Path) -> str:
    """`("steps", 0, "with")` as `steps[0].with`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else str(part))
    return text or "$"


def read(text: str) -> Document:
    """The document in a text. Raises `SourceError` with the exact place."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > limits.SOURCE_BYTES:
        raise SourceError(
            Problem(
                "$",
                _("The definition has %(size)s bytes.") % {"size": size},
                _("at most %(most)s bytes") % {"most": limits.SOURCE_BYTES},
            )
        )
    if not is_storable(text):
        raise SourceError(
            Problem("$", _("The text has characters that can't be stored."), _("plain Unicode text"), 1, 1)
        )
    try:
        _refuse_machinery(text)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        document = _read_json(text)
        if document is None:
            raise SourceError(_syntax_problem(error)) from error
        return document
    if node is None:
        raise SourceError(Problem("$", _("The definition is empty."), _("a mapping with “name” and “steps”"), 1, 1))
    positions: dict[Path, tuple[int, int]] = {}
    return Document(_build(node, (), positions), positions)


def _read_json(text: str) -> Document | None:
    """The few JSON texts that the YAML reader can't take (tabs, surrogate pairs as escapes), without positions."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        data = json.loads(text, object_pairs_hook=_each_key_once)
    except (ValueError, RecursionError):
        return None
    if text.count(",") + text.count(":") > limits.SOURCE_VALUES:  # more than there are values
        raise SourceError(_too_many_values())
    deep = max((len(path) for path, _text in walk(data)), default=0) > limits.SOURCE_DEPTH
    return None if deep or not is_storable(data) else Document(data)


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("a key is there twice")
    return mapping


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).split("\n", maxsplit=1)[0]
    message = _("This is not valid YAML: %(reason)s.") % {"reason": reason}
    if mark is None:
        return Problem("$", message, _("well-formed YAML or JSON"))
    return Problem("$", message, _("well-formed YAML or JSON"), mark.line + 1, mark.column + 1)


def _refuse_machinery(text: str) -> None:
    """Look at the raw events first: aliases, anchors, tags, depth, masses and second documents stay out."""
    depth = documents = values = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        place = _place(event)
        values += isinstance(event, yaml.NodeEvent)
        if values > limits.SOURCE_VALUES:
            raise SourceError(_too_many_values(*place))
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise SourceError(Problem("$", _("A second document starts here."), _("one document"), *place))
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise SourceError(
                Problem("$", _("YAML anchors and aliases are not allowed."), _("the value written out"), *place)
            )
        if getattr(event, "tag", None):
            raise SourceError(Problem("$", _("YAML tags are not allowed."), _("a plain value"), *place))
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > limits.SOURCE_DEPTH:
                raise SourceError(
                    Problem(
                        "$",
                        _("The definition is nested too deeply."),
                        _("at most %(most)s levels") % {"most": limits.SOURCE_DEPTH},
                        *place,
                    )
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_many_values(line: int = 0, column: int = 0) -> Problem:
    most = _("at most %(most)s keys and values") % {"most": limits.SOURCE_VALUES}
    return Problem("$", _("The definition has too many parts."), most, line, column)


def _place(part: Any) -> tuple[int, int]:
    return part.start_mark.line + 1, part.start_mark.column + 1


def _build(node: yaml.Node, path: Path, positions: dict[Path, tuple[int, int]]) -> Any:
    positions[path] = _place(node)
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                raise SourceError(Problem(dotted(path), _("A key must be text."), _("a text key"), *place))
            key = key_node.value
            if key in mapping:
                raise SourceError(
                    Problem(
                        dotted((*path, key)), _("“%(key)s” is there twice.") % {"key": key}, _("each key once"), *place
                    )
                )
            mapping[key] = _build(value_node, (*path, key), positions)
            positions[(*path, key)] = place
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*path, index), positions) for index, child in enumerate(node.value)]
    assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - YAML has three kinds of node
    return _scalar(node, path)


def _scalar(node: yaml.ScalarNode, path: Path) -> Any:
    """JSON's scalars only: dates, octals and yes/no stay text."""
    text = node.value
    if node.style:  # quoted or block text
        return text
    if text.lower() in WORDS and text in {text.lower(), text.capitalize(), text.upper()}:
        return WORDS[text.lower()]
    if INTEGER.fullmatch(text) and len(text) <= 18:
        return int(text)
    if NUMBER.fullmatch(text) and not INTEGER.fullmatch(text) and not re.fullmatch(r"[-+]?0[0-9]+", text):
        value = float(text)
        if not math.isfinite(value):
            raise SourceError(
                Problem(
                    dotted(path),
                    _("The number is too large."),
                    "",
                    node.start_mark.line + 1,
                    node.start_mark.column + 1,
                )
            )
        return value
    return text
