"""Triggers of a workflow: what of them a program changes."""

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.accounts.permissions import require_own_account
from apps.core.brand import current_brand
from apps.workflows import selectors
from apps.workflows.api import represent, schemas
from apps.workflows.models import Trigger
from apps.workflows.services.triggers import rotate_signing_secret


class TriggerSecretView(OrganizationAPIView):
    """`/workflows/{id}/triggers/{id}/secret`"""

    permission_codes = {"post": "workflows.edit"}

    @extend_schema(operation_id="renew_webhook_secret", request=None, responses={201: schemas.RenewedWebhook})
    def post(self, request: Request, workflow: str, trigger: str) -> Response:
        """Renew a webhook's signing secret, which is in this answer and in no other. The old one stops working at once.

        No `Idempotency-Key` is taken, since answers to those are kept. Where no answer came, renew it again.
        """
        require_own_account(self.actor)
        triggers = selectors.get_workflow(self.organization, workflow).triggers.select_related("workflow")
        row = triggers.filter(pk=Trigger.parse_public_id(trigger), kind=Trigger.Kind.WEBHOOK).first()
        if row is None:
            raise Trigger.missing(trigger)
        shown = represent.trigger(row, current_brand().site_url)
        response = Response({**shown, "secret": rotate_signing_secret(row)}, status=status.HTTP_201_CREATED)
        response["Cache-Control"] = "no-store"
        return response
