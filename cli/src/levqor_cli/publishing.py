"""Bring a definition to the server: a new workflow, a new version of one, or nothing when nothing changed."""

from dataclasses import dataclass
from typing import Any

from levqor_cli.client import ApiClient
from levqor_cli.definitions import DefinitionFile, newest_version, same_source, version_number
from levqor_cli.errors import CliError
from levqor_cli.exit_codes import ExitCode


@dataclass(frozen=True)
class Published:
    """What came of it. `outcome` is `created`, `published` or `unchanged`."""

    workflow: dict[str, Any]
    version: int
    outcome: str

    @property
    def slug(self) -> str:
        """The workflow's name in commands and addresses."""
        return str(self.workflow["slug"])

    def sentence(self) -> str:
        """One line for people."""
        match self.outcome:
            case "created":
                return f"Created workflow {self.slug}, version {self.version}"
            case "published":
                return f"Published {self.slug} version {self.version}"
            case _:
                return f"{self.slug} is unchanged, version {self.version}"


def target_of(definition: DefinitionFile, workflow: str) -> str:
    """The slug the file belongs to: the given one, or the one its name makes."""
    slug = workflow or definition.slug
    if not slug:
        raise CliError(
            f"{definition.label} has no readable name to find its workflow by.",
            ExitCode.INVALID,
            hint=f"Say which workflow, or see what is wrong with: levqor workflow validate {definition.label}",
        )
    return slug


def publish(client: ApiClient, definition: DefinitionFile, *, workflow: str = "", message: str = "") -> Published:
    """Create the workflow or publish a new version of it.

    A workflow named by the user must exist; one found by the definition's name is created when missing.
    """
    slug = target_of(definition, workflow)
    body = {"source": definition.source, **({"message": message} if message else {})}
    try:
        found = client.get(f"/workflows/{slug}")
    except CliError as error:
        if error.exit_code is not ExitCode.NOT_FOUND or workflow:
            raise
        created = client.post("/workflows", body)
        return Published(created, int(created.get("version") or 1), "created")
    newest = newest_version(client, slug)
    if newest is not None and same_source(newest["source"], definition.source):
        return Published(found, version_number(newest), "unchanged")
    response = client.post_response(f"/workflows/{slug}/versions", body)
    outcome = "published" if response.status_code == 201 else "unchanged"
    return Published(found, version_number(response.json()), outcome)
