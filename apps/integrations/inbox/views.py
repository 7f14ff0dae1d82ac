"""The door that vendors knock at: `POST /webhooks/<vendor>/`."""

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.core.errors import DomainError
from apps.core.parsers import is_longer
from apps.core.problems import problem
from apps.integrations.errors import WebhookTooLargeError
from apps.integrations.inbox.services import receive

log = structlog.get_logger(__name__)

MAX_BYTES = 1_000_000


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, vendor: str) -> HttpResponse:
    """200 for an event that is stored now or was before; a problem document for anything that is not the vendor's."""
    try:
        event, created = receive(vendor, _body(request), request.headers)
    except DomainError as error:
        log.warning("webhook_refused", vendor=vendor, code=error.code)
        return problem(error, request)
    return JsonResponse({"received": event.public_id, "duplicate": not created})


def _body(request: HttpRequest) -> bytes:
    """The body, of which the server hands over no more than was declared. Above the limit not a byte is read."""
    if is_longer(request, MAX_BYTES):
        raise WebhookTooLargeError(_("The body may have %(most)d bytes.") % {"most": MAX_BYTES})
    return request.body
