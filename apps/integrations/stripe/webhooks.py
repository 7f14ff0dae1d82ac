"""What Stripe tells us of its own accord: signed, and no more of it kept than whom it is about."""

import json
import re
import time
from collections.abc import Mapping
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.core.errors import NotFoundError
from apps.integrations.errors import WebhookRefusedError
from apps.integrations.stripe import reading
from apps.integrations.stripe.connection import VENDOR as VENDOR
from apps.integrations.stripe.connection import is_live

TOLERANCE = 300  # seconds
SIGNATURE = "Stripe-Signature"
# What Stripe makes itself has these letters alone. Products and coupons are named by people: text, of any letters.
_ID, _NAME = re.compile(r"[A-Za-z0-9_.:\-]{1,120}"), re.compile(r"[a-z0-9_.]{1,120}")
_TEXT = re.compile("[^\\x00-\\x1f\\x7f\\ud800-\\udfff]{0,255}")
_LATEST = 2**33  # seconds since 1970: in the year 2242


def verify(body: bytes, headers: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Check the signature, its age and that real and test events stay apart. Returns (event id, type, payload).

    The payload names the object, which is fetched anew by whoever handles it: events come in any order, and hold more
    of customers than is kept here. Raises `WebhookRefusedError`, or `NotFoundError` while payments are not set up.
    """
    if not settings.STRIPE_API_KEY or not settings.STRIPE_WEBHOOK_SECRETS:
        raise NotFoundError(_("There is nothing at this address."))
    _check_signature(body, headers.get(SIGNATURE, ""))
    raw = _event(body)
    if raw["livemode"] != is_live(settings.STRIPE_API_KEY):
        raise WebhookRefusedError(_("Events of test payments and of real ones are not accepted for each other."))
    event = reading.event(raw)
    return event.id, event.type, event.payload


def _check_signature(body: bytes, header: str) -> None:
    """Any of our secrets will do: while one is replaced by another, Stripe signs with both."""
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(body, header, secret, TOLERANCE)
        except (stripe.SignatureVerificationError, ValueError, TypeError):  # no text, or a signature that is none
            continue
        if _signed_at(header) <= time.time() + TOLERANCE:
            return
    raise WebhookRefusedError(_("The signature is missing, wrong or too old."))


def _signed_at(header: str) -> int:
    """The time that the library has checked: the first that is named."""
    return int(next(part for part in header.split(",") if part.startswith("t=")).removeprefix("t="))


def _event(body: bytes) -> reading.Raw:
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise WebhookRefusedError(_("The body is no event.")) from error
    if not isinstance(raw, dict) or raw.get("object") != "event" or not _is_complete(raw):
        raise WebhookRefusedError(_("The body is no event."))
    return raw


def _is_complete(raw: reading.Raw) -> bool:
    data = raw.get("data")
    return (
        _fits(raw.get("id"), _ID)
        and _fits(raw.get("type"), _NAME)
        and type(raw.get("created")) is int
        and 0 <= raw["created"] < _LATEST
        and isinstance(raw.get("livemode"), bool)
        and isinstance(data, dict)
        and isinstance(data.get("object"), dict)
        and _is_named(data["object"])
    )


def _is_named(about: reading.Raw) -> bool:
    kind, *ids = reading.names_of(about)
    if not _fits(kind, _TEXT):
        return False
    wanted = _ID if kind in reading.KINDS or kind in reading.PART_OF else _TEXT
    return all(_fits(value, wanted) for value in ids)


def _fits(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
