"""Workflow definitions: the file on this machine, the versions at the server, and what validation says of them."""

import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rich.text import Text

from levqor_cli.client import ApiClient
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode
from levqor_cli.output import Output
from levqor_cli.text import printable

SUFFIXES = (".yaml", ".yml", ".json")
LARGEST_FILE = 5_000_000
_REFERENCE = re.compile(r"(?P<workflow>[A-Za-z0-9][\w-]*)(?:@v?(?P<version>\d+))?")


@dataclass(frozen=True)
class DefinitionFile:
    """A definition as written by the user; `label` is how we speak of the file."""

    label: str
    source: str

    @property
    def slug(self) -> str:
        """The slug its workflow has or will get, from `slug` or `name`; empty when there is neither."""
        try:
            document = yaml.safe_load(self.source)
        except (yaml.YAMLError, RecursionError, ValueError):
            return ""
        if not isinstance(document, dict):
            return ""
        slug, name = document.get("slug"), document.get("name")
        if isinstance(slug, str) and slug:
            return slug
        return slug_of(name) if isinstance(name, str) and name else ""

    def line(self, number: int) -> str:
        """Line `number` (from 1), or nothing."""
        lines = self.source.splitlines()
        return lines[number - 1] if 1 <= number <= len(lines) else ""


@dataclass(frozen=True)
class Reference:
    """A workflow by slug or id, perhaps at one version."""

    workflow: str
    version: int | None = None

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """From `slug`, `wf_…`, `slug@3` or `slug@v3`."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise CliError(f"{text!r} is neither a file nor a workflow (SLUG, SLUG@VERSION or wf_…).")
        version = match["version"]
        return cls(match["workflow"], int(version) if version else None)


def looks_like_file(argument: str) -> bool:
    """Whether the user means a file: `-`, something that exists, or something with a file's shape."""
    return argument == "-" or argument.lower().endswith(SUFFIXES) or "/" in argument or Path(argument).is_file()


def read_definition(argument: str) -> DefinitionFile:
    """Read a definition from a path, or from standard input for `-`."""
    try:
        if argument == "-":
            data, label = sys.stdin.buffer.read(LARGEST_FILE + 1), "<stdin>"
        else:
            with Path(argument).open("rb") as stream:
                data, label = stream.read(LARGEST_FILE + 1), argument
    except OSError as error:
        raise CliError(f"Cannot read {argument}: {error.strerror}.") from error
    if len(data) > LARGEST_FILE:
        raise CliError(f"{label} is larger than {LARGEST_FILE // 1_000_000} MB; that is no workflow definition.")
    try:
        return DefinitionFile(label, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CliError(f"{label} is not UTF-8 text (byte {error.start}).", ExitCode.INVALID) from error


def slug_of(name: str) -> str:
    """The slug the server makes of a workflow's name."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain)).strip("-_")[:80] or "workflow"


def check(client: ApiClient, output: Output, definition: DefinitionFile) -> bool:
    """Have the server validate the file; print what is wrong. Whether it is valid."""
    verdict = client.post_plain("/workflows/validate", {"source": definition.source}, repeat=True)
    if output.json_mode and not verdict["valid"]:
        output.emit({"file": definition.label, "valid": False, "errors": verdict["errors"]})
    elif not verdict["valid"]:
        show_errors(output, definition, verdict["errors"])
    return bool(verdict["valid"])


def show_errors(output: Output, definition: DefinitionFile, errors: list[dict[str, Any]]) -> None:
    """Each error as `file:line:column: message (expected …)`, the way compilers write, with its line below."""
    for error in errors:
        line, column = int(error.get("line") or 0), int(error.get("column") or 0)
        place = f"{definition.label}:{line or 1}:{column or 1}"
        expected = f" (expected {printable(error['expected'])})" if error.get("expected") else ""
        message = Text.assemble((f"{printable(place)}: ", "bold"), (printable(error["message"]), "red"), expected)
        output.out.print(message, soft_wrap=not output.out.is_terminal)
        source = definition.line(line)
        if source.strip():
            gutter = f"{line:>5} "
            bar = "│ " if output.unicode else "| "
            output.out.print(Text.assemble((gutter + bar, "dim"), printable(source.expandtabs(2))), soft_wrap=True)
            if column:
                shift = len(source[: column - 1].expandtabs(2))
                output.out.print(Text.assemble((" " * 6 + bar, "dim"), (" " * shift + "^", "bold red")))
    count = len(errors)
    symbol, style = output.mark("error")
    output.err.print(
        Text.assemble((f"{symbol} ", style), f"{printable(definition.label)}: {count} error{'s' if count != 1 else ''}")
    )


def newest_version(client: ApiClient, workflow: str) -> dict[str, Any] | None:
    """The newest version of a workflow with its source, or None when it has none yet. 404 raises."""
    listed = client.get(f"/workflows/{workflow}/versions", params={"limit": 1})["data"]
    return fetch_version(client, workflow, version_number(listed[0])) if listed else None


def fetch_version(client: ApiClient, workflow: str, number: int) -> dict[str, Any]:
    """One version with its source."""
    version: dict[str, Any] = client.get(f"/workflows/{workflow}/versions/{number}")
    return version


def version_number(version: dict[str, Any]) -> int:
    """The number of a version document."""
    return int(version["number"])


def same_source(first: str, second: str) -> bool:
    """Whether two sources are alike but for line endings and blanks at line ends."""

    def lines(source: str) -> list[str]:
        return [line.rstrip() for line in source.strip().splitlines()]

    return lines(first) == lines(second)
