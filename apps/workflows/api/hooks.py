"""The address that inbound webhooks call: no login, the signature is the key."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from apps.core.errors import DomainError, InvalidInputError, LimitExceededError
from apps.core.json_values import MAX_DEPTH, is_too_deep
from apps.core.parsers import is_longer
from apps.core.problems import problem
from apps.workflows import limits, selectors
from apps.workflows.services.triggers import receive_webhook


@method_decorator(csrf_exempt, name="dispatch")
class HookView(View):
    """`POST /hooks/{trigger}` with Standard Webhooks headers."""

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, trigger: str) -> HttpResponse:
        """Start the workflow's run; a repeated message answers with the first one's run."""
        try:
            if is_longer(request, limits.WEBHOOK_BYTES):
                raise LimitExceededError(
                    _("A webhook's body has at most %(most)s bytes.") % {"most": limits.WEBHOOK_BYTES},
                    status=413,
                    code="body_too_large",
                )
            found = selectors.get_webhook(trigger)  # before its body: who knows no address makes no work
            if is_too_deep(request.body):
                raise InvalidInputError(
                    _("The JSON is nested more than %(most)s levels deep.") % {"most": MAX_DEPTH}, code="malformed_json"
                )
            run = receive_webhook(found, request.body, dict(request.headers))
        except DomainError as error:
            return problem(error, request)
        return JsonResponse({"run_id": run.public_id}, status=202)
