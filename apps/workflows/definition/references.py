"""`{{ steps.fetch.output.items[0].name }}`: plain look-ups in a context, never code.

A text that is one reference takes the value as it is; otherwise values are put into the text. `\\{{` is a literal `{{`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import LimitExceededError
from apps.workflows import limits

# It stops at the next `{{`, so that a text full of them is read once and not from each of them to its end.
REFERENCE = re.compile(r"(?<!\\)\{\{((?:(?!\{\{).)*?)\}\}", re.DOTALL)
PART = re.compile(r"""\.?(?P<name>[A-Za-z_][A-Za-z0-9_-]*)|\[(?P<index>[0-9]{1,6})\]|\["(?P<quoted>[^"\\]{1,200})"\]""")
UNSET = object()

Parts = tuple[str | int, ...]


class ReferenceSyntaxError(ValueError):
    """What stands between the braces is no look-up."""


class UnresolvedReferenceError(LookupError):
    """The look-up finds nothing in the context."""

    def __init__(self, reference: str, missing: str) -> None:
        self.reference, self.missing = reference, missing
        super().__init__(f"{{{{ {reference} }}}} finds nothing: there is no “{missing}”")


@dataclass(frozen=True)
class Reference:
    """One parsed look-up."""

    text: str
    parts: Parts

    def resolve(self, context: Mapping[str, Any]) -> Any:
        """The value in the context. Raises `UnresolvedReferenceError`."""
        value: Any = context
        for part in self.parts:
            value = _step(value, part)
            if value is UNSET:
                raise UnresolvedReferenceError(self.text, str(part))
        return value


def _step(value: Any, part: str | int) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, UNSET) if isinstance(part, str) else UNSET
    if isinstance(value, list) and isinstance(part, int):
        return value[part] if part < len(value) else UNSET
    return UNSET


def parse(text: str) -> Reference:
    """The look-up in `text` (without braces). Raises `ReferenceSyntaxError`."""
    text = text.strip()
    parts: list[str | int] = []
    at = 0
    while at < len(text):
        match = PART.match(text, at)
        if match is None or (at == 0) == text[at : at + 1].startswith((".", "[")):
            raise ReferenceSyntaxError(text)
        name = match["name"] or match["quoted"]
        parts.append(name if name is not None else int(match["index"]))
        at = match.end()
    if not parts:
        raise ReferenceSyntaxError(text)
    return Reference(text, tuple(parts))


def find(text: str) -> list[Reference]:
    """All look-ups in a text. Raises `ReferenceSyntaxError`."""
    return [parse(match[1]) for match in REFERENCE.finditer(text)]


def walk(value: Any, path: Parts = ()) -> Iterator[tuple[Parts, str]]:
    """Every text in a JSON value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from walk(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index))


def has_reference(value: Any) -> bool:
    """Whether a value is a text with a look-up in it."""
    return isinstance(value, str) and "{{" in value and REFERENCE.search(value) is not None


def render(value: Any, context: Mapping[str, Any]) -> Any:
    """A copy of a JSON value with every look-up replaced.

    Raises `UnresolvedReferenceError`, or `LimitExceededError` when the look-ups together bring more than
    `limits.RENDERED_BYTES`: a few thousand of them could make any size out of one large value.
    """
    return _Rendering(context).render(value)


class _Rendering:
    """One rendering, with what its look-ups may still bring."""

    def __init__(self, context: Mapping[str, Any], *, lenient: bool = False) -> None:
        self._context, self._lenient = context, lenient
        self._left = limits.RENDERED_BYTES

    def render(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, Mapping):
            return {key: self.render(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.render(item) for item in value]
        return value

    def _text(self, text: str) -> Any:
        if "{{" not in text:
            return text
        try:
            whole = REFERENCE.fullmatch(text.strip())
            if whole is not None and "}}" not in whole[1]:
                return self._resolved(whole[1])[0]
            rendered = REFERENCE.sub(lambda match: self._resolved(match[1])[1], text)
        except UnresolvedReferenceError:
            if self._lenient:
                return None
            raise
        return rendered.replace("\\{{", "{{")

    def _resolved(self, reference: str) -> tuple[Any, str]:
        """The value of a look-up, and its text."""
        value = parse(reference).resolve(self._context)
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        self._left -= len(text)
        if self._left < 0:
            raise LimitExceededError(
                _("The look-ups bring more than %(most)s bytes here.") % {"most": limits.RENDERED_BYTES},
                code="rendered_too_large",
            )
        return value, text


def render_lenient(value: Any, context: Mapping[str, Any]) -> Any:
    """Like `render`, with null where a look-up finds nothing."""
    return _Rendering(context, lenient=True).render(value)
