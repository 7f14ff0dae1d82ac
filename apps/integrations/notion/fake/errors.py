"""Refusals, in Notion's words."""

from typing import Any


class FakeError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def body(self) -> dict[str, Any]:
        """What the client reads."""
        return {"object": "error", "status": self.status, "code": self.code, "message": self.message}


def invalid(message: str) -> FakeError:
    """A request that Notion does not follow."""
    return FakeError(400, "validation_error", message)


def no_such(what: str, object_id: str) -> FakeError:
    """Nothing has this id, or it is not shared."""
    return FakeError(
        404,
        "object_not_found",
        f"Could not find {what} with ID: {object_id}. Make sure the relevant pages and databases are shared with your"
        " integration.",
    )
