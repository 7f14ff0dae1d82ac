"""Pages that belong to no room: errors, and what kinds of them there are."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.core.errors import DomainError, ForbiddenError, NotFoundError, UnavailableError
from apps.core.middleware import is_api
from apps.core.problem_types import advice, problem_types
from apps.core.problems import problem


def _answer(request: HttpRequest, error: DomainError, template: str) -> HttpResponse:
    if is_api(request):
        return problem(error, request)
    return render(request, template, {"error": error}, status=error.status)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400 in the reader's form."""
    return _answer(request, DomainError(_("The request could not be understood."), code="bad_request"), "400.html")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403 in the reader's form."""
    return _answer(request, ForbiddenError(_("Your role does not allow this.")), "403.html")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404 in the reader's form."""
    return _answer(request, NotFoundError(_("There is nothing at this address.")), "404.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """500 in the reader's form, or 503 where the database was it; what happened is in the log under the request id."""
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):  # Django calls this while it handles the error
        return _unavailable(request)
    error = DomainError(
        _("Something broke on our side. The request id helps support to find it."),
        code="internal_error",
        status=500,
        title=_("Internal error"),
    )
    return _answer(request, error, "500.html")


def _unavailable(request: HttpRequest) -> HttpResponse:
    """The database is away, too slow or was busy with another who wanted the same: worth another try."""
    error = UnavailableError(_("The database does not answer right now. Try again in a moment."))
    response = _answer(request, error, "error.html")
    response["Retry-After"] = str(error.extra["retry_after"])
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form was sent without a valid token: usually a page left open for long."""
    error = ForbiddenError(
        _("The form was open for too long or came from elsewhere. Go back, reload the page and send it again."),
        code="csrf_failed",
    )
    return _answer(request, error, "403.html")


@require_safe
def problem_type(request: HttpRequest, code: str) -> HttpResponse:
    """What a kind of refusal means and what to do: the `type` of a problem document leads here."""
    kind = problem_types().get(code)
    if kind is None:
        raise Http404
    told = {"code": code, "status": kind.status, "title": kind.title, "advice": advice(kind.status)}
    return render(request, "problem.html", told)
