"""RFC 9457: every error of the API is a problem document with a stable `code`."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from apps.core.context import current
from apps.core.entitlements import upgrade_url
from apps.core.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError, PlanLimitError
from apps.core.problem_types import type_of

CONTENT_TYPE = "application/problem+json"


def document(error: DomainError, path: str) -> dict[str, Any]:
    """The problem document of a refusal. `extra` members never hide the standard ones."""
    more = {"upgrade_url": settings.SITE_URL + upgrade_url()} if isinstance(error, PlanLimitError) else {}
    return {
        **more,
        **error.extra,
        "type": type_of(error),
        "title": str(error.title),
        "status": error.status,
        "detail": str(error.detail),
        "code": error.code,
        "instance": path,
        "request_id": current().request_id,
    }


def problem(error: DomainError, request: HttpRequest) -> HttpResponse:
    """A problem answer outside of DRF."""
    response = JsonResponse(document(error, request.path), status=error.status, content_type=CONTENT_TYPE)
    return _with_headers(response, error)


def problem_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler. None lets an unknown error become a 500 (told by `handler500`, traceback in the log)."""
    refusal = _as_domain_error(error)
    if refusal is None:
        return None
    set_rollback()
    request = context["request"]
    response = Response(document(refusal, request.path), status=refusal.status, content_type=CONTENT_TYPE)
    _with_headers(response, refusal)
    return response


def _with_headers(response: HttpResponse, error: DomainError) -> HttpResponse:
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="api"'
    if "retry_after" in error.extra:
        response["Retry-After"] = str(error.extra["retry_after"])
    return response


def _as_domain_error(error: Exception) -> DomainError | None:
    if isinstance(error, DomainError):
        return error
    if isinstance(error, Http404):
        return NotFoundError(_("No such thing here."))
    if isinstance(error, PermissionDenied):
        return ForbiddenError(str(error) or _("Your role does not allow this."))
    if isinstance(error, RequestDataTooBig):
        return DomainError(_("The request body is too large."), code="body_too_large", status=413, title=_("Too large"))
    if isinstance(error, exceptions.ValidationError):
        return InvalidInputError(_("Some fields have the wrong form."), errors=_flatten(error.get_full_details()))
    if isinstance(error, exceptions.APIException):
        return _from_drf(error)
    return None


DRF_ERRORS: dict[type[exceptions.APIException], tuple[str, str | Promise]] = {
    exceptions.ParseError: ("malformed_json", _lazy("Malformed request")),
    exceptions.NotAuthenticated: ("not_authenticated", _lazy("Not logged in")),
    exceptions.AuthenticationFailed: ("authentication_failed", _lazy("Login refused")),
    exceptions.MethodNotAllowed: ("method_not_allowed", _lazy("Method not allowed")),
    exceptions.NotAcceptable: ("not_acceptable", _lazy("Not acceptable")),
    exceptions.UnsupportedMediaType: ("unsupported_media_type", _lazy("Unsupported media type")),
    exceptions.Throttled: ("rate_limited", _lazy("Too many requests")),
    exceptions.NotFound: ("not_found", NotFoundError.title),
    exceptions.PermissionDenied: ("forbidden", ForbiddenError.title),
}


def _from_drf(error: exceptions.APIException) -> DomainError:
    """DRF's own error; its `default_detail` is no title, since some are templates for the detail."""
    unknown = (str(error.default_code), DomainError.title)
    code, title = next((told for kind, told in DRF_ERRORS.items() if isinstance(error, kind)), unknown)
    extra: dict[str, Any] = {}
    wait = getattr(error, "wait", None)  # DRF's Throttled sets it
    if wait:
        extra["retry_after"] = round(wait)
    return DomainError(str(error.detail), code=code, status=error.status_code, title=title, **extra)


def _flatten(details: Any, path: str = "") -> list[dict[str, str]]:
    """DRF's nested error details as a flat list of {path, message, code}."""
    if isinstance(details, dict) and "message" in details and "code" in details:
        return [{"path": path or "$", "message": str(details["message"]), "code": str(details["code"])}]
    items = details.items() if isinstance(details, dict) else enumerate(details)
    found: list[dict[str, str]] = []
    for key, value in items:
        if (isinstance(key, int) and isinstance(value, dict) and "message" in value) or key == "non_field_errors":
            step = path
        else:
            step = f"{path}.{key}" if path else str(key)
        found.extend(_flatten(value, step))
    return found
