"""JMESPath with an end: what a customer writes never takes more than a bounded amount of work and memory.

The library's own interpreter has no limit: `[@, @][]` doubles a list each time it is repeated, so that an expression of
a few hundred characters fills any memory. Here every visit and every comparison costs, and each value that is made is
measured.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jmespath
from django.utils.translation import gettext as _
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import Options, TreeInterpreter

MOST_DEPTH = 60  # levels of the expression's tree
MOST_WORK = 500_000  # visits of its nodes, about a second
MOST_SIZE = 4_000_000  # characters and members of one value
VISITS_PER_MEMBER = 4  # members that are measured at the cost of one visit
MEMBERS_PER_VISIT = 16  # members that a function or a comparison looks at, at the cost of one visit

MAKERS = frozenset(
    {
        "multi_select_list",
        "multi_select_dict",
        "flatten",
        "projection",
        "filter_projection",
        "value_projection",
        "function_expression",
    }
)
QUICK_FUNCTIONS = frozenset({"length", "type", "not_null", "to_array", "to_number", "abs", "ceil", "floor"})


class ExpressionError(ValueError):
    """The text is no expression, or it can't be evaluated here, or not within the limits."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    tree: Any

    def search(self, data: Any) -> Any:
        """What the expression finds in a JSON value. Raises `ExpressionError`."""
        interpreter = _Bounded()
        try:
            found = interpreter.visit(self.tree, data)
            interpreter.measure(found)
        except ExpressionError:
            raise
        except (JMESPathError, TypeError, ValueError, ArithmeticError) as error:  # such as a slice by steps of zero
            raise ExpressionError(str(error)[:500]) from error
        except RecursionError as error:
            raise ExpressionError(_("The data is nested too deeply for this expression.")) from error
        return found


def compiled(text: str) -> Expression:
    """The expression in a text. Raises `ExpressionError`."""
    try:
        tree = jmespath.compile(text).parsed
    except RecursionError as error:
        raise _too_deep() from error
    except (JMESPathError, ValueError) as error:
        raise ExpressionError(str(error).split("\n", maxsplit=1)[0][:160]) from error
    level = [tree]
    for _depth in range(MOST_DEPTH):
        level = [child for node in level for child in node.get("children", ()) if isinstance(child, dict)]
        if not level:
            return Expression(text, tree)
    raise _too_deep()


def _too_deep() -> ExpressionError:
    return ExpressionError(_("It is nested too deeply: at most %(most)s levels.") % {"most": MOST_DEPTH})


class _Bounded(TreeInterpreter):
    """The library's interpreter with a meter. Serves one evaluation."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=_Functions(self)))
        metered = {name: self._metered(compare) for name, compare in TreeInterpreter.COMPARATOR_FUNC.items()}
        self.COMPARATOR_FUNC = metered  # type: ignore[misc] # each evaluation has a meter of its own
        self._work = 0
        self._sizes: dict[int, tuple[Any, int]] = {}  # by identity; holds the value, so that no other gets its id

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        """Visit a node and measure what it makes."""
        self.spend(1)
        value = super().visit(node, *args, **kwargs)
        if node["type"] in MAKERS:
            self.measure(value)
        return value

    def _metered(self, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
        """The comparison at a cost: lists and mappings are compared member by member."""

        def metered(left: Any, right: Any) -> bool:
            if isinstance(left, list | dict) and isinstance(right, list | dict):
                self.spend(min(self.measure(left), self.measure(right)) // MEMBERS_PER_VISIT)
            return compare(left, right)

        return metered

    def spend(self, visits: int) -> None:
        """Note work. Raises `ExpressionError` above the limit."""
        self._work += visits
        if self._work > MOST_WORK:
            raise ExpressionError(_("The expression takes too much work on this data. Look at less of it at a time."))

    def measure(self, value: Any) -> int:
        """The size of a value in characters and members. Raises `ExpressionError` above the limit."""
        size = self._size(value)
        if size > MOST_SIZE:
            raise ExpressionError(_("The expression makes a value that is too large."))
        return size

    def _size(self, value: Any) -> int:
        if isinstance(value, str):
            return len(value) + 1
        if value is None or isinstance(value, bool | int | float):
            return 1
        if not isinstance(value, list | dict):
            raise ExpressionError(_("The expression finds no JSON value."))  # such as `&name` on its own
        known = self._sizes.get(id(value))
        if known is not None:
            return known[1]
        self.spend(len(value) // VISITS_PER_MEMBER + 1)
        if isinstance(value, dict):
            size = 1 + sum(len(key) + self._size(item) for key, item in value.items())
        else:
            size = 1 + sum(map(self._size, value))
        self._sizes[id(value)] = (value, size)
        return size


class _Functions(Functions):
    """The library's functions; those that look at all of their arguments cost by their size."""

    def __init__(self, meter: _Bounded) -> None:
        self._meter = meter

    def call_function(self, function_name: str, resolved_args: Iterable[Any]) -> Any:
        """Call a function, if its result can't get too large."""
        given = list(resolved_args)
        if function_name not in QUICK_FUNCTIONS:
            values = [value for value in given if isinstance(value, str | list | dict)]
            self._meter.spend(sum(map(self._meter.measure, values)) // MEMBERS_PER_VISIT)
        if function_name == "join" and len(given) == 2:
            separator, parts = given
            if isinstance(separator, str) and isinstance(parts, list) and len(separator) * len(parts) > MOST_SIZE:
                raise ExpressionError(_("The expression makes a value that is too large."))
        return super().call_function(function_name, given)
