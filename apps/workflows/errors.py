"""What the workflows app refuses, and why."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.core.errors import ConflictError, InvalidInputError, NotFoundError


class InvalidDefinitionError(InvalidInputError):
    """The definition has problems; `errors` lists each with line, column, path, message and expectation."""

    code, title = "invalid_definition", _("The definition is not valid")

    def __init__(self, problems: list[dict[str, Any]]) -> None:
        first = problems[0]
        where = _("line %(line)s: %(message)s") % {"line": first["line"], "message": first["message"]}
        super().__init__(where if first["line"] else first["message"], errors=problems)


class InvalidRunInputError(InvalidInputError):
    """The inputs do not fit the workflow's `inputs` schema."""

    code, title = "invalid_inputs", _("The inputs do not fit")


class OvertakenError(ConflictError):
    """Another version was published since the editing began; `newest` is its number."""

    code = "version_overtaken"

    def __init__(self, newest: int) -> None:
        words = _("Version %(number)s was published in the meantime. Look at it first.")
        super().__init__(words % {"number": newest}, newest=newest)


class WorkflowNotFoundError(NotFoundError):
    """No such workflow in this organization."""

    code = "workflow_not_found"


class RunEndedError(ConflictError):
    """The run has already ended."""

    code = "run_finished"


class NotWaitingForApprovalError(ConflictError):
    """The step waits for no approval (any more)."""

    code = "not_waiting_for_approval"


class ConcurrencySkippedError(ConflictError):
    """Another run holds the concurrency key and the workflow says `on_conflict: skip`."""

    code = "concurrency_conflict"
