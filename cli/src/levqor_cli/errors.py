"""Everything that can go wrong, as one exception with an exit code and one clear line."""

from collections.abc import Sequence
from typing import Any

from levqor_cli.exit_codes import ExitCode


class CliError(Exception):
    """A failure the user should read: one line, perhaps details and a hint, never a traceback."""

    def __init__(
        self,
        message: str,
        exit_code: ExitCode = ExitCode.USAGE,
        *,
        code: str = "",
        details: Sequence[str] = (),
        hint: str = "",
        request_id: str = "",
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
        self.code = code
        self.details = tuple(details)
        self.hint = hint
        self.request_id = request_id
        self.status = status

    def as_json(self) -> dict[str, Any]:
        """The error as `--json` prints it on standard error."""
        facts = {
            "message": self.message,
            "code": self.code,
            "status": self.status,
            "details": list(self.details),
            "hint": self.hint,
            "request_id": self.request_id,
            "exit_code": int(self.exit_code),
        }
        return {"error": {name: fact for name, fact in facts.items() if fact not in ("", None, [])}}


class UnreachableError(CliError):
    """The server did not answer, or answered only with faults."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message, ExitCode.UNREACHABLE, **facts)


class NotLoggedInError(CliError):
    """There is no usable login for this server."""

    def __init__(self, message: str, url: str, **facts: Any) -> None:
        super().__init__(message, ExitCode.REFUSED, hint=f"Log in with: levqor login --url {url}", **facts)
