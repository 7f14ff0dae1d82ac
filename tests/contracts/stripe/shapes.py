"""Holds what goes over the wire to stripe-python's own types: parameters of requests, members of answers."""

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
import stripe
import typing_extensions
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject
from stripe._stripe_service import StripeService

Problems = Iterator[str]
_NAMES = {"StripeContext": object, "Mapping": Mapping}  # which the library knows for type checkers only


@dataclass(frozen=True)
class Asked:
    """One call of the library: which method of which service, with what."""

    service: type[StripeService]
    call: str
    params: dict[str, Any]
    options: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.service.__name__}.{self.call}"


@dataclass
class Conversation:
    """What was asked, and what Stripe answered: (method, path, status, body)."""

    asked: list[Asked] = field(default_factory=list)
    answered: list[tuple[str, str, int, Any]] = field(default_factory=list)

    def problems(self) -> list[str]:
        """All that does not fit the library's types."""
        found = [problem for asked in self.asked for problem in problems_of_request(asked)]
        for method, path, status, body in self.answered:
            if status < 300:
                found += [f"{method} {path}: {problem}" for problem in problems_of_answer(body)]
        return sorted(set(found))


def listen(monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """Take note of everything from here on. Errors that are answered count as well: they have parameters, too."""
    heard = Conversation()
    ask, request = StripeService._request, stripe.RequestsClient.request

    def asking(self: StripeService, method: str, url: str, params: Any = None, options: Any = None, **more: Any) -> Any:
        call = sys._getframe(1).f_code.co_name
        heard.asked.append(Asked(type(self), call, dict(params or {}), dict(options or {})))
        return ask(self, method, url, params, options, **more)

    def requesting(self: Any, method: str, url: str, headers: Any, post_data: Any = None, **more: Any) -> Any:
        body, status, told = request(self, method, url, headers, post_data, **more)
        path = re.sub(r"^https?://[^/]+", "", url).partition("?")[0]
        heard.answered.append((method, path, status, json.loads(body)))
        return body, status, told

    monkeypatch.setattr(StripeService, "_request", asking)
    monkeypatch.setattr(stripe.RequestsClient, "request", requesting)
    return heard


# Parameters -----------------------------------------------------------------------------------------------------------
def problems_of_request(asked: Asked) -> Problems:
    """Where parameters differ from the typed dictionary of that call."""
    for problem in _wrong(asked.params, _typed_params(asked.service, asked.call), ""):
        yield f"{asked}: {problem}"
    if unknown := asked.options.keys() - RequestOptions.__annotations__.keys():
        yield f"{asked}: options {sorted(unknown)}"


def _typed_params(service: type[StripeService], call: str) -> Any:
    annotation = str(inspect.signature(getattr(service, call)).parameters["params"].annotation)
    name = re.findall(r"\w+Params\b", annotation)[-1]
    *within, _module = service.__module__.removeprefix("stripe.").split(".")
    return getattr(importlib.import_module(".".join(["stripe.params", *within])), name)


def _wrong(value: Any, hint: Any, path: str) -> Problems:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (typing_extensions.NotRequired, typing_extensions.Required):
        yield from _wrong(value, inner[0], path)
    elif origin in (Union, UnionType):
        yield from _wrong_in_all(value, inner, path)
    elif origin is Literal:
        if value not in inner:
            yield f"{path} is {value!r}"
    elif origin is list:
        if not isinstance(value, list):
            yield f"{path} is no list"
            return
        for place, one in enumerate(value):
            yield from _wrong(one, inner[0], f"{path}[{place}]")
    elif origin is dict:
        if not isinstance(value, dict) or not all(isinstance(one, str) for pair in value.items() for one in pair):
            yield f"{path} is no dictionary of texts"
    elif typing_extensions.is_typeddict(hint):
        yield from _wrong_members(value, hint, path)
    elif hint is float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            yield f"{path} is no number"
    elif type(value) is not hint:
        yield f"{path} is no {getattr(hint, '__name__', hint)}"


def _wrong_in_all(value: Any, hints: tuple[Any, ...], path: str) -> Problems:
    """A word of a closed list stays one, though the library lets any text pass for those of other versions."""
    words = [word for hint in hints if get_origin(hint) is Literal for word in get_args(hint) if word]
    if words and isinstance(value, str):
        if value and value not in words:
            yield f"{path} is {value!r}"
        return
    found = [list(_wrong(value, hint, path)) for hint in hints if get_origin(hint) is not UntypedStripeObject]
    if all(found):
        yield from max(found, key=lambda each: max(len(problem) for problem in each))


def _wrong_members(value: Any, hint: Any, path: str) -> Problems:
    if not isinstance(value, dict):
        yield f"{path} is no dictionary"
        return
    hints = typing_extensions.get_type_hints(hint, localns=_NAMES, include_extras=True)
    if RequestOptions.__annotations__.keys() <= hints.keys():
        hints = {name: each for name, each in hints.items() if name not in RequestOptions.__annotations__}
    for name, each in value.items():
        inside = f"{path}[{name}]" if path else name
        if name in hints:
            yield from _wrong(each, hints[name], inside)
        else:
            yield f"{inside} is unknown"
    for name, each in hints.items():
        if name not in value and get_origin(each) is not typing_extensions.NotRequired:
            yield f"{path}[{name}] is missing"


# Answers --------------------------------------------------------------------------------------------------------------
def problems_of_answer(body: Any, path: str = "") -> Problems:
    """Where an answer differs from what the library knows of that object: members, and types of plain ones."""
    if not isinstance(body, dict) or body.get("object") not in OBJECT_CLASSES:
        yield f"{path or 'the answer'} is no object of Stripe's"
        return
    module, name = OBJECT_CLASSES[body["object"]]
    yield from _strange(body, getattr(importlib.import_module(module), name), f"{path}<{body['object']}>")


def _strange(body: dict[str, Any], known: type[StripeObject], path: str) -> Problems:
    hints: dict[str, Any] = {}
    for each in reversed(known.__mro__):
        hints |= {name: hint for name, hint in getattr(each, "__annotations__", {}).items() if name[0] != "_"}
    inner = known._inner_class_types
    for name, value in body.items():
        inside = f"{path}.{name}"
        if name not in hints and name not in inner:
            if name not in ("object", "deleted"):
                yield f"{inside} is unknown"
        elif isinstance(value, dict | list):
            by_name = name in known._inner_class_dicts and isinstance(value, dict)
            for each in value.values() if by_name else value if isinstance(value, list) else [value]:
                if isinstance(each, dict):
                    yield from _strange_part(each, inner.get(name), hints.get(name), inside)
        elif not _fits(value, hints.get(name)):
            yield f"{inside} is {value!r}"


def _strange_part(part: dict[str, Any], known: type[StripeObject] | None, hint: Any, path: str) -> Problems:
    if isinstance(part.get("object"), str) and part["object"] in OBJECT_CLASSES:
        yield from problems_of_answer(part, path)
    elif known is not None:
        yield from _strange(part, known, path)
    elif "Untyped" not in str(hint) and "Dict" not in str(hint):
        yield f"{path} is not expected to be a dictionary"


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value may stand here. What the library only names (other objects) stands as an id."""
    options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    if value is None:
        return NoneType in options or not all(_is_plain(option) for option in options)
    plain = [option for option in options if _is_plain(option) and option is not NoneType]
    if not plain:
        return isinstance(value, str) or any(get_origin(option) not in (list, dict) for option in options)
    words = [option for option in plain if get_origin(option) is Literal]
    if words and isinstance(value, str):
        plain = words
    return any(_is_a(value, option) for option in plain)


def _is_plain(hint: Any) -> bool:
    return hint in (str, int, bool, float, Decimal, NoneType) or get_origin(hint) is Literal


def _is_a(value: Any, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    if hint is Decimal:  # told as a text
        return isinstance(value, str)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is hint
