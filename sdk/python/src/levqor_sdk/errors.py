"""What can go wrong, as types. What the API refuses carries its problem document (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from levqor_sdk._retries import retry_after


class LevqorError(Exception):
    """Everything that this package raises."""


class ConnectionFailedError(LevqorError):
    """No answer came: whether the server did something is not known, unless the call carried an idempotency key."""


class UnexpectedAnswerError(LevqorError):
    """The answer is not what the API's document promises; a proxy between may have sent it."""


class WaitTimeoutError(LevqorError):
    """The run had not ended when the time to wait was over. It goes on."""

    def __init__(self, run: str, seconds: float) -> None:
        super().__init__(f"{run} has not ended within {seconds:g} s")
        self.run = run


class ApiError(LevqorError):
    """A refusal. `code` is stable and made for programs, `detail` for people; `errors` says where input is wrong."""

    def __init__(self, status: int, problem: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.code = str(problem.get("code") or f"http_{status}")
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or "")
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or [])
        self.request_id: str | None = problem.get("request_id") or headers.get("X-Request-Id")
        self.retry_after: float | None = retry_after(headers.get("Retry-After"))
        super().__init__(f"{status} {self.code}: {self.detail or self.title or 'no explanation came with it'}")


class BadRequestError(ApiError):
    """400: the request is malformed."""


class NotAuthenticatedError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""


class ForbiddenError(ApiError):
    """403: the key does not go that far, or not from this network."""


class NotFoundError(ApiError):
    """404: no such thing, or not of this organization."""


class ConflictError(ApiError):
    """409: the present state forbids it."""


class InvalidInputError(ApiError):
    """422: the values do not fit; `errors` says where."""


class RateLimitedError(ApiError):
    """429: too many calls in this minute, or the quota is used up; `retry_after` says when it passes."""


class ServerError(ApiError):
    """5xx: the platform failed or is being restarted."""


_BY_STATUS: dict[int, type[ApiError]] = {
    400: BadRequestError,
    401: NotAuthenticatedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: InvalidInputError,
    429: RateLimitedError,
}


def refusal(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error of an answer that is no success."""
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else ApiError)
    return kind(status, problem_in(body), headers)


def problem_in(body: bytes) -> dict[str, Any]:
    """The problem document, or nothing where something else came."""
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
