"""Python: literals in the places whose text reaches people. Where a name leads is looked up in the imported module."""

import ast
import dataclasses
import inspect
from types import ModuleType
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Choices, Field, ForeignObject, ManyToManyField

from apps.core.errors import DomainError
from apps.core.kinds import Contribution, NotionDatabase, NotionSource
from apps.core.strings.finding import Finding, excused_lines, has_words, shortened

SPOKEN_KEYWORDS = {"label", "help_text", "verbose_name", "verbose_name_plural", "placeholder", "empty_value_display"}
SPOKEN_ATTRIBUTES = {"verbose_name", "verbose_name_plural", "help_text", "title"}
SPOKEN_FIELDS = {"label", "title", "description"}
MESSAGE_LEVELS = {"success", "info", "warning", "error"}


def unmarked_in_python(source: str, module: ModuleType) -> list[Finding]:
    """Unmarked texts of a module's source."""
    reader = _Reader(module)
    reader.visit(ast.parse(source))
    excused = excused_lines(source)
    return sorted(finding for finding in reader.found if finding.line not in excused)


class _Reader(ast.NodeVisitor):
    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.found: set[Finding] = set()

    # Classes ----------------------------------------------------------------------------------------------------------
    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        bases = [self._lookup(base) for base in node.bases]
        choices = any(inspect.isclass(base) and issubclass(base, Choices) for base in bases)
        spoken = node.name == "Meta" or any(inspect.isclass(base) and issubclass(base, DomainError) for base in bases)
        for statement in node.body:
            if not isinstance(statement, ast.Assign):
                continue
            names = [name.id for target in statement.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            values = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            if choices and len(values) == 2:
                self._note(values[1])
            elif spoken and len(values) == len(names):
                for name, value in zip(names, values, strict=True):
                    if name in SPOKEN_ATTRIBUTES:
                        self._note(value)
        self.generic_visit(node)

    # Calls ------------------------------------------------------------------------------------------------------------
    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        for keyword in node.keywords:
            if keyword.arg in SPOKEN_KEYWORDS:
                self._note(keyword.value)
        target = self._lookup(node.func)
        if name in MESSAGE_LEVELS and self._is_messages(node.func) and len(node.args) > 1:
            self._note(node.args[1])
        elif inspect.isclass(target) and issubclass(target, Field):
            if not issubclass(target, ForeignObject | ManyToManyField):  # their first argument is a model
                self._note(node.args[0] if node.args else None)
        elif inspect.isclass(target):
            self._visit_instance(node, target)
        self.generic_visit(node)

    def _visit_instance(self, node: ast.Call, target: type) -> None:
        if issubclass(target, DomainError) and target.status >= 500:
            return  # a mistake in our code: told to developers
        if issubclass(target, NotionDatabase | NotionSource):
            return  # a table is found by its title: that is the same in every language
        if issubclass(target, ValidationError | DomainError):
            spoken = [
                *node.args[:1],
                *(key.value for key in node.keywords if key.arg in ("detail", "title", "message")),
            ]
        elif issubclass(target, Contribution) and dataclasses.is_dataclass(target):
            names = [field.name for field in dataclasses.fields(target)]
            spoken = [value for name, value in zip(names, node.args, strict=False) if name in SPOKEN_FIELDS]
            spoken += [key.value for key in node.keywords if key.arg in SPOKEN_FIELDS]
        else:
            return
        for value in spoken:
            self._note(value)

    def _is_messages(self, function: ast.expr) -> bool:
        return isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "messages"

    # Values -----------------------------------------------------------------------------------------------------------
    def _lookup(self, node: ast.expr) -> Any:
        """What a dotted name means in the module, or None."""
        if isinstance(node, ast.Name):
            return getattr(self.module, node.id, None)
        if isinstance(node, ast.Attribute):
            return getattr(self._lookup(node.value), node.attr, None)
        return None

    def _note(self, value: ast.expr | None) -> None:
        """Remember a literal; text put together of literals counts, a call such as `_("…")` does not."""
        text = ""
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            text = value.value
        elif isinstance(value, ast.JoinedStr):
            text = "".join(str(part.value) for part in value.values if isinstance(part, ast.Constant))
        elif isinstance(value, ast.BinOp):
            self._note(value.left)
        elif isinstance(value, ast.IfExp):
            self._note(value.body)
            self._note(value.orelse)
        if value is not None and has_words(text):
            self.found.add(Finding(value.lineno, shortened(text)))
