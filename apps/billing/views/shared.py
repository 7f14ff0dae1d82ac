"""What the pages of billing have in common."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.errors import RateLimitedError
from apps.accounts.web import limit
from apps.billing import words
from apps.core.errors import DomainError


def tabs(current: str) -> list[dict[str, Any]]:
    """The pages of the settings about money."""
    pages = (
        ("billing", _("Overview")),
        ("billing_credits", _("Credits")),
        ("billing_invoices", _("Invoices")),
        ("billing_payments", _("Payments")),
    )
    return [{"label": label, "url": reverse(name), "current": name == current} for name, label in pages]


def crumbs(title: str, *between: tuple[str, str]) -> list[dict[str, str]]:
    """The way from the overview to a page: names and labels of what is in between."""
    steps = [{"label": label, "url": reverse(name)} for name, label in (("billing", _("Billing")), *between)]
    return [*steps, {"label": title}]


def page(title: str, **context: Any) -> dict[str, Any]:
    """The context of a page; each says how long a price is refunded, and can say what a hold means."""
    return {"page_title": title, "refund_words": words.refund_words(), "hold_words": words.hold_words(), **context}


def told(request: HttpRequest, act: Callable[[], None], done: str) -> HttpResponse:
    """Do it, and say on the overview that it is done or why not."""
    try:
        act()
    except DomainError as refusal:
        messages.error(request, str(refusal.detail))
    else:
        messages.success(request, done)
    return redirect("billing")


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks, for the part of the page that changes."""
    return "HX-Request" in request.headers


def may_ask_stripe(request: HttpRequest, group: str) -> bool:
    """The same for a page that can be shown without."""
    try:
        ask_stripe_seldom(request, group)
    except RateLimitedError:
        return False
    return True


def ask_stripe_seldom(request: HttpRequest, group: str) -> None:
    """Before a page asks Stripe, which answers an account so many calls a second and all customers together. Raises
    `RateLimitedError` for somebody who wants that more often than people do."""
    limit(request, f"billing_{group}", "30/m", key="user")
