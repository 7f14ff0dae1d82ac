"""What staff's templates of alarms may say: a few of Django's tags and filters, on plain data, counted.

Django trusts whoever writes a template. Its filters pad to any length or double what they get, its loops multiply, a
look-up calls what it finds (`x.encode.hex.encode.hex…`): one template could hold up each process that raises an alarm.
What is listed here makes nothing much longer than it was, and all of it is counted.
"""

import re
from typing import Any

from django.template import Context, Library, Template, VariableDoesNotExist
from django.template import defaultfilters as filters
from django.template import defaulttags as tags
from django.template.base import FilterExpression, Lexer, NodeList, Parser, Token, Variable
from django.template.context import BaseContext
from django.utils.translation import gettext as _

MOST_WORK = 200_000  # characters that are looked at, for one text
LONGEST_VALUE = 8000  # no more of it would be told
EACH = 20  # what a look-up or a turn of a loop costs beside its characters
SPENT = "work_spent"
PLACES = re.compile(r"-?[0-9][gu]{0,2}")

LIBRARY = Library()
for _name, _tag in {
    "comment": tags.comment, "firstof": tags.firstof, "if": tags.do_if, "with": tags.do_with,
}.items():  # fmt: skip
    LIBRARY.tag(_name, _tag)
for _filter in (
    filters.capfirst, filters.cut, filters.default, filters.default_if_none, filters.divisibleby, filters.first,
    filters.filesizeformat, filters.last, filters.length, filters.lower, filters.pluralize, filters.slice_filter,
    filters.title, filters.truncatechars, filters.truncatewords, filters.upper, filters.wordcount, filters.yesno,
):  # fmt: skip
    LIBRARY.filter(getattr(_filter, "_filter_name", _filter.__name__), _filter)


class TooMuchError(ValueError):
    """A template asks for more work than an alarm is worth."""


class _Spent(BaseException):
    """The same on its way out of a template: no `Exception`, which Django's conditions take for "no" and go on."""


def spend(context: Context, amount: int) -> None:
    """Count work. Raises `_Spent`, from now on each time: only `StaffTemplate` renders what calls it."""
    spent = context.render_context[SPENT] = int(context.render_context.get(SPENT) or 0) + amount
    if spent > MOST_WORK:
        raise _Spent(_("it is too much to work out: shorten it, or loop over less"))


def weight(value: Any) -> int:
    """How many characters there are to a value, about."""
    total, left = 0, [value]
    while left and total <= MOST_WORK:
        one = left.pop()
        total += len(one) if isinstance(one, str) else one.bit_length() // 3 if isinstance(one, int) else 10
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            left += one
    return total


class PlainVariable(Variable):
    """A look-up in mappings and lists. It asks for no attribute and calls nothing."""

    def _resolve_lookup(self, context: Any) -> Any:
        found = context
        for name in self.lookups or ():
            try:
                if isinstance(found, list | tuple):
                    found = found[int(name)]
                elif isinstance(found, dict) and name == "items" and name not in found:
                    found = list(found.items())
                elif isinstance(found, dict | BaseContext):
                    found = found[name]
                else:
                    raise KeyError(name)
            except (LookupError, ValueError) as error:
                raise VariableDoesNotExist("There is no %s.", (self.var,)) from error
        return found[:LONGEST_VALUE] if isinstance(found, str) else found


class PlainExpression(FilterExpression):
    """A look-up and its filters, counted."""

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        if self.is_var:
            self.var = PlainVariable(self.var.var)
        self.filters = [
            (function, [(by_name, PlainVariable(given.var) if by_name else given) for by_name, given in arguments])
            for function, arguments in self.filters
        ]

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        """Counted before the work as well as after it: a filter's is done by then."""
        try:
            given = self.var.resolve(context) if self.is_var else self.var
        except VariableDoesNotExist:
            given = ""
        spend(context, (1 + len(self.filters)) * (EACH + weight(given)))
        found = super().resolve(context, ignore_failures)
        spend(context, weight(found) if self.filters else 0)
        return found


class PlainParser(Parser):
    """Reads with this language's look-ups."""

    def compile_filter(self, token: str) -> FilterExpression:
        """Django's hook: tags and variables alike come here."""
        return PlainExpression(token, self)


class StaffTemplate(Template):
    """A template of staff's."""

    def compile_nodelist(self) -> NodeList:
        """Django's hook."""
        return PlainParser(Lexer(self.source).tokenize(), {}, [LIBRARY], self.origin).parse()

    def _render(self, context: Context) -> Any:
        try:
            return super()._render(context)  # type: ignore[misc] # Django's own hook
        except _Spent as spent:
            raise TooMuchError(*spent.args) from None


class _Turns:
    """What a loop goes over, counted with what is written in it: texts, and conditions of many words."""

    def __init__(self, sequence: Any, written: int) -> None:
        self.sequence = sequence
        self.each = EACH + written

    def resolve(self, context: Context, ignore_failures: bool = False) -> Any:
        values = self.sequence.resolve(context, ignore_failures)
        spend(context, (len(values) if hasattr(values, "__len__") else 0) * self.each)
        return values


@LIBRARY.tag("for")
def loop(parser: Parser, token: Token) -> Any:
    """Django's, counted: inside of each other they multiply."""
    rest = _written(parser)
    node: Any = tags.do_for(parser, token)
    node.sequence = _Turns(node.sequence, rest - _written(parser))
    return node


def _written(parser: Any) -> int:
    """How many characters are still to be read."""
    return sum(len(token.contents) for token in parser.tokens)


@LIBRARY.filter
def join(value: Any, between: Any) -> Any:
    """A list in one line. Of a text Django would put it between all characters, so that each one multiplies."""
    if not isinstance(value, list | tuple):
        return value
    if weight(value) + len(value) * len(str(between)) > MOST_WORK:
        raise _Spent(_("it is too much to join"))
    return str(between).join(str(one) for one in value)


@LIBRARY.filter
def floatformat(value: Any, places: Any = -1) -> str:
    """Django's, up to nine places."""
    if not PLACES.fullmatch(str(places)):
        raise ValueError(_("“floatformat” takes up to nine places"))
    return filters.floatformat(value, places)
