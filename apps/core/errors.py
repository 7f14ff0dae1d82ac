"""The one base of every error that a person or a program may see."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class DomainError(Exception):
    """A refusal with a reason: problem+json in the API, a message in pages, an exit code in commands.

    Subclasses set `code` (stable, snake_case, part of the API), `status` (HTTP) and `title` (short, translated).
    `extra` members are added to the problem document; they must be JSON and reveal nothing secret.
    """

    code: str = "error"
    status: int = 400
    title: str | Promise = _("Request refused")

    def __init__(
        self,
        detail: str | Promise = "",
        *,
        code: str | None = None,
        status: int | None = None,
        title: str | Promise | None = None,
        **extra: Any,
    ) -> None:
        self.code = code or self.code
        self.status = status or self.status
        self.title = title or self.title
        self.detail = detail or self.title
        self.extra = extra
        super().__init__(str(self.detail))


class NotFoundError(DomainError):
    """The thing is not there, or not for this reader: the two are never told apart."""

    code, status, title = "not_found", 404, _("Not found")


class ConflictError(DomainError):
    """The request is fine but the present state forbids it."""

    code, status, title = "conflict", 409, _("Conflict")


class InvalidInputError(DomainError):
    """The input has the wrong form; `errors` in `extra` says where."""

    code, status, title = "invalid_input", 422, _("Invalid input")


class LimitExceededError(DomainError):
    """A declared limit was reached; the detail names the limit and its value."""

    code, status, title = "limit_exceeded", 422, _("Limit exceeded")


class PlanLimitError(LimitExceededError):
    """What the organization pays for does not go so far: another plan does. `feature` names what is used up."""

    code, title = "plan_limit", _("The plan does not go so far")


class ForbiddenError(DomainError):
    """The actor may see the thing but not do this."""

    code, status, title = "forbidden", 403, _("Not allowed")


class UnavailableError(DomainError):
    """Something that the answer needs does not answer now; the same request may succeed a little later."""

    code, status, title = "unavailable", 503, _("Not available right now")

    def __init__(self, detail: str | Promise = "", *, retry_after: int = 5, **extra: Any) -> None:
        super().__init__(detail, retry_after=retry_after, **extra)
