"""What the `type` of a problem document (RFC 9457) leads to: a page for each kind of refusal."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError

ADVICE: dict[int, str | Promise] = {
    400: _("The request has a form that is not understood. Compare it with the description of the API."),
    401: _("Log in again, or send a token that is still valid."),
    403: _("Ask an owner of the organization for a role that allows it, or act as somebody who has one."),
    404: _("Check the address, and that you ask for the organization to which the thing belongs."),
    409: _("Look how things are now, then decide whether the request still makes sense."),
    413: _("Send less at a time."),
    422: _("Correct what “detail” and, where present, “errors” name, then send it again."),
    429: _("Wait for as long as the header Retry-After says, then send it again."),
}
LATER = _("The request need not be wrong. Send it again later, with the same Idempotency-Key where you sent one.")


def problem_types() -> dict[str, type[DomainError]]:
    """The kinds of refusals by code; where two share one, the more general."""
    found: dict[str, type[DomainError]] = {}
    for kind in _below(DomainError):
        found.setdefault(kind.code, kind)
    return found


def _below(base: type[DomainError]) -> Iterator[type[DomainError]]:
    kinds = base.__subclasses__()
    yield from kinds
    for kind in kinds:
        yield from _below(kind)


def type_of(error: DomainError) -> str:
    """The address of the page on this kind of refusal. `about:blank` says that the status is all there is to know."""
    known = problem_types()
    code = next((code for code in (error.code, type(error).code) if code in known), None)
    return f"{settings.SITE_URL}/problems/{code}" if code else "about:blank"


def advice(status: int) -> str:
    """What to do about a refusal with this status."""
    return str(ADVICE.get(status, LATER))
