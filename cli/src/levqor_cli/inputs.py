"""The inputs of a run, from `--input` options and a file."""

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from levqor_cli.errors import CliError

_PAIR = re.compile(r"(?P<name>[A-Za-z_][\w.-]*?)(?P<operator>:=|=)(?P<value>.*)", re.DOTALL)


def gather_inputs(pairs: Sequence[str], file: str | None) -> dict[str, Any]:
    """Inputs of the file, overridden by the pairs. Raises `CliError` (usage) for what cannot be read."""
    inputs = read_inputs_file(file) if file else {}
    given: set[str] = set()
    for pair in pairs:
        name, value = parse_pair(pair)
        if name in given:
            raise CliError(f"--input {name} is given twice.")
        given.add(name)
        inputs[name] = value
    return inputs


def parse_pair(pair: str) -> tuple[str, Any]:
    """`name=text` gives a string, `name:=json` any JSON value."""
    match = _PAIR.fullmatch(pair)
    if match is None:
        raise CliError(
            f"--input {pair!r} is not understood.",
            hint="Write --input name=text, or --input name:=JSON for numbers, true/false, lists and objects.",
        )
    name, value = match["name"], match["value"]
    if match["operator"] == "=":
        return name, value
    try:
        return name, json.loads(value, parse_constant=_refuse_constant)
    except ValueError as error:
        raise CliError(
            f"--input {name}:= needs JSON, but {value!r} is none: {error}.",
            hint=f"For plain text write --input {name}={value}",
        ) from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def read_inputs_file(file: str) -> dict[str, Any]:
    """A JSON or YAML object from a path, or from standard input for `-`."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CliError(f"Cannot read the inputs file {file}: {reason}.") from error
    try:
        document = yaml.safe_load(text)
        json.dumps(document, allow_nan=False)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise CliError(f"{file}{place}: {getattr(error, 'problem', None) or 'is neither JSON nor YAML'}.") from error
    except (TypeError, ValueError) as error:
        raise CliError(f"{file}: {error}.", hint="Inputs must be JSON values; put quotes around dates.") from error
    if document is None:
        return {}
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise CliError(f"{file}: the inputs must be an object with a name for each value.")
    return document
