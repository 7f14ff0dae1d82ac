"""One address, which checks the signature with Stripe's library and inserts one row into the table that ours fills."""

import json

import stripe
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from apps.core.clock import now
from apps.integrations.models import ExternalEvent

VENDOR = "verifying"
TOLERANCE = 300


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """No more than to verify and to insert."""
    stripe.WebhookSignature.verify_header(
        request.body, request.headers["Stripe-Signature"], settings.STRIPE_WEBHOOK_SECRETS[0], TOLERANCE
    )
    event, moment = json.loads(request.body), now()
    ExternalEvent.objects.create(
        vendor=VENDOR, external_id=event["id"], type=event["type"], payload={}, received_at=moment, due_at=moment
    )
    return JsonResponse({"received": event["id"]})


urlpatterns = [path("webhooks/stripe/", webhook)]
