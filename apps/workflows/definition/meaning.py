"""What the JSON Schema can't say: unique ids, references that resolve, expressions and schedules that are sound."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from apps.core import cron
from apps.core.kinds import StepType
from apps.core.registry import registry
from apps.workflows import limits
from apps.workflows.definition import durations, expressions, input_schema, references
from apps.workflows.definition.source import Path, dotted
from apps.workflows.definition.suggestions import one_of, suggested

ROOTS = ("inputs", "steps", "secrets", "levqor", "trigger")
LONGEST_INDEX = f"[{limits.FOREACH_ITEMS - 1}]."
LEVQOR_NAMES = ("run_id", "workflow", "organization", "site_url", "trigger")


@dataclass(frozen=True)
class Finding:
    """A problem at a path of the definition."""

    at: Path
    message: str
    expected: str = ""

    @property
    def path(self) -> str:
        """The path as people write it."""
        return dotted(self.at)


@dataclass(frozen=True)
class Scope:
    """What a step may refer to: ids of steps before it, loop variables around it, declared inputs.

    `prefix` is the most characters that the loops around it put before its id in a run.
    """

    steps: frozenset[str]
    names: frozenset[str]
    inputs: Mapping[str, Any] | None
    prefix: int = 0


def check(definition: Mapping[str, Any]) -> Iterator[Finding]:
    """Every problem of meaning in a definition of the right form, found as they are asked for."""
    yield from _inputs(definition)
    yield from _durations(definition)
    yield from _triggers(definition)
    yield from _ids(definition)
    properties = definition.get("inputs", {}).get("properties")
    declared = properties if isinstance(properties, Mapping) else None
    seen: set[str] = set()
    scope = Scope(frozenset(), frozenset(), declared)
    yield from _steps(definition["steps"], ("steps",), scope, seen, 1)
    after = Scope(frozenset(seen), frozenset(), declared)
    yield from _references(definition.get("output"), ("output",), after, secrets=False)
    yield from _references(definition.get("concurrency", {}).get("key"), ("concurrency", "key"), scope, secrets=False)


def _inputs(definition: Mapping[str, Any]) -> Iterator[Finding]:
    for problem in input_schema.problems(definition.get("inputs", {})):
        yield Finding(("inputs", *problem.at), problem.message, problem.expected)


def _durations(value: Any, path: Path = ()) -> Iterator[Finding]:
    """Durations that are written right but are too long."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in {"timeout", "delay", "max_delay", "for"} and isinstance(item, str) and "{{" not in item:
                yield from _duration(item, (*path, key))
            elif key not in {"inputs", "json", "output"}:
                yield from _durations(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _durations(item, (*path, index))


def _duration(text: str, path: Path) -> Iterator[Finding]:
    try:
        length = durations.parse(text)
    except ValueError:
        yield Finding(path, _("“%(text)s” is too long.") % {"text": text}, _("at most 366d"))
        return
    if path == ("timeout",) and length > limits.RUN_LENGTH:
        yield Finding(path, _("A run may not take so long."), _("at most %(days)sd") % {"days": limits.RUN_LENGTH.days})
    if path[-1] in {"delay", "max_delay"} and length > limits.RETRY_DELAY:
        yield Finding(path, _("The wait between attempts is too long."), _("at most 1h"))


def _triggers(definition: Mapping[str, Any]) -> Iterator[Finding]:
    names: set[str] = set()
    for index, trigger in enumerate(definition.get("triggers", [])):
        path: Path = ("triggers", index)
        if trigger["name"] in names:
            yield Finding((*path, "name"), _("Another trigger has this name."), _("a name of its own"))
        names.add(trigger["name"])
        if trigger["type"] == "cron":
            try:
                cron.check(trigger["cron"], trigger.get("timezone", "UTC"))
            except cron.InvalidScheduleError as error:
                yield Finding((*path, "cron"), str(error.detail), _("five fields and an IANA zone"))
        elif "dedupe" in trigger:
            yield from _expression(trigger["dedupe"], (*path, "dedupe"))


def _ids(definition: Mapping[str, Any]) -> Iterator[Finding]:
    seen: set[str] = set()
    for path, step in each_step(definition["steps"], ("steps",)):
        if step["id"] in seen:
            yield Finding((*path, "id"), _("Another step has the id “%(id)s”.") % {"id": step["id"]}, _("a unique id"))
        seen.add(step["id"])
    if len(seen) > limits.STEPS_PER_DEFINITION:
        yield Finding(
            ("steps",), _("There are too many steps."), _("at most %(most)s") % {"most": limits.STEPS_PER_DEFINITION}
        )


def each_step(steps: list[dict[str, Any]], path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every step, those inside branches and loops too, with its path."""
    for index, step in enumerate(steps):
        here = (*path, index)
        yield here, step
        for number, branch in enumerate(step.get("branches", [])):
            yield from each_step(branch["steps"], (*here, "branches", number, "steps"))
        for key in ("otherwise", "steps"):
            yield from each_step(step.get(key, []), (*here, key))


def _steps(steps: list[dict[str, Any]], path: Path, scope: Scope, seen: set[str], depth: int) -> Iterator[Finding]:
    """Check steps in order; `seen` grows by what later steps may refer to."""
    if depth > limits.STEP_NESTING:
        yield Finding(path, _("Steps are nested too deeply."), _("at most %(most)s") % {"most": limits.STEP_NESTING})
        return
    for index, step in enumerate(steps):
        here = (*path, index)
        now = replace(scope, steps=scope.steps | seen)
        yield from _length(step["id"], here, scope.prefix)
        if "skip_if" in step:
            yield from _expression(step["skip_if"], (*here, "skip_if"))
        if step["type"] == "branch":
            yield from _branch(step, here, now, seen, depth)
        elif step["type"] == "foreach":
            yield from _foreach(step, here, now, depth)
        else:
            # Elsewhere they would be recorded: as another run's inputs, in a question, in a mail.
            calls_out = registry(StepType).get(step["type"]).effect == "outside"
            yield from _references(step.get("with"), (*here, "with"), now, secrets=calls_out)
            yield from _special(step, here)
        seen.add(step["id"])


def _length(step_id: str, path: Path, prefix: int) -> Iterator[Finding]:
    """A step whose place in a run would not fit into its row; told of the outermost loop alone."""
    most, length = limits.STEP_PATH_CHARACTERS, prefix + len(step_id)
    if length > most >= prefix - len(LONGEST_INDEX):
        message = _("With the ids of the loops around it, the step's path in a run has %(length)s characters.")
        yield Finding((*path, "id"), message % {"length": length}, _("at most %(bound)s characters") % {"bound": most})


def _branch(step: dict[str, Any], path: Path, scope: Scope, seen: set[str], depth: int) -> Iterator[Finding]:
    for number, branch in enumerate(step["branches"]):
        yield from _expression(branch["when"], (*path, "branches", number, "when"))
        inner: set[str] = set()
        yield from _steps(branch["steps"], (*path, "branches", number, "steps"), scope, inner, depth + 1)
        seen |= inner
    inner = set()
    yield from _steps(step.get("otherwise", []), (*path, "otherwise"), scope, inner, depth + 1)
    seen |= inner


def _foreach(step: dict[str, Any], path: Path, scope: Scope, depth: int) -> Iterator[Finding]:
    yield from _references(step["items"], (*path, "items"), scope, secrets=False)
    if isinstance(step["items"], str) and not references.has_reference(step["items"]):
        yield Finding((*path, "items"), _("This text is no list."), "{{ steps.….output }}")
    name = step.get("as", "item")
    if name in ROOTS or name == "loop":
        yield Finding((*path, "as"), _("“%(name)s” has a meaning already.") % {"name": name}, _("another name"))
    prefix = scope.prefix + len(step["id"]) + len(LONGEST_INDEX)
    inside = replace(scope, names=scope.names | {name, "loop"}, prefix=prefix)
    yield from _steps(step["steps"], (*path, "steps"), inside, set(), depth + 1)


def _special(step: dict[str, Any], path: Path) -> Iterator[Finding]:
    config = step.get("with", {})
    if step["type"] == "transform" and isinstance(config.get("expression"), str):
        yield from _expression(config["expression"], (*path, "with", "expression"))
    if step["type"] == "delay" and ("for" in config) == ("until" in config):
        yield Finding((*path, "with"), _("A delay has either “for” or “until”."), _("one of the two"))
    if "timeout" in step and "{{" not in step["timeout"]:
        try:
            too_long = step["type"] == "http" and durations.parse(step["timeout"]) > limits.STEP_TIMEOUT
        except ValueError:
            return
        if too_long:
            yield Finding(
                (*path, "timeout"),
                _("A call may not take so long."),
                _("at most %(most)ss") % {"most": int(limits.STEP_TIMEOUT.total_seconds())},
            )


def _expression(text: str, path: Path) -> Iterator[Finding]:
    try:
        expressions.compiled(text)
    except expressions.ExpressionError as error:
        yield Finding(path, _("This is no JMESPath expression: %(reason)s") % {"reason": error}, "JMESPath")


def _references(value: Any, path: Path, scope: Scope, *, secrets: bool) -> Iterator[Finding]:
    for inner, text in references.walk(value):
        here = (*path, *inner)
        try:
            found = references.find(text)
        except references.ReferenceSyntaxError as error:
            yield Finding(
                here, _("“%(text)s” is no look-up.") % {"text": str(error)[:80]}, "{{ steps.id.output.name }}"
            )
            continue
        for reference in found:
            yield from _reference(reference, here, scope, secrets=secrets)


def _reference(reference: references.Reference, path: Path, scope: Scope, *, secrets: bool) -> Iterator[Finding]:
    root, *rest = reference.parts
    first = rest[0] if rest else None
    if root == "steps":
        if first not in scope.steps:
            yield Finding(
                path,
                suggested(_("No step “%(id)s” comes before this one.") % {"id": first}, first, scope.steps),
                one_of(scope.steps, _("no step")),
            )
        elif len(rest) > 1 and rest[1] not in {"output", "state", "error"}:
            known = ("output", "state", "error")
            message = suggested(_("A step has no “%(name)s”.") % {"name": rest[1]}, rest[1], known)
            yield Finding(path, message, ", ".join(known))
    elif root == "inputs":
        if first is not None and scope.inputs is not None and first not in scope.inputs:
            yield Finding(
                path,
                suggested(_("No input is called “%(name)s”.") % {"name": first}, first, scope.inputs),
                one_of(scope.inputs, _("no input")),
            )
    elif root == "secrets":
        if not secrets:
            yield Finding(path, _("Secrets may only be used in the “with” of steps that call out."), "http")
        elif first is None or len(rest) != 1:
            yield Finding(path, _("A secret is used by its name."), "{{ secrets.NAME }}")
    elif root == "levqor":
        if first not in LEVQOR_NAMES:
            message = suggested(_("“levqor” has no “%(name)s”.") % {"name": first}, first, LEVQOR_NAMES)
            yield Finding(path, message, ", ".join(LEVQOR_NAMES))
    elif root != "trigger" and root not in scope.names:
        names = [*ROOTS, *sorted(scope.names)]
        message = suggested(_("“%(name)s” is not known here.") % {"name": root}, root, names)
        yield Finding(path, message, _("one of %(names)s") % {"names": ", ".join(names)})
