"""The public status page, its history, and who wants mail about it. It knows nobody: see `StatusPageMiddleware`."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.dateparse import parse_date
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.web import limit
from apps.core.clock import now
from apps.integrations.errors import InvalidRecipientError
from apps.monitoring.models import Incident, IncidentComponent
from apps.monitoring.services import subscribers
from apps.monitoring.status import composing
from apps.monitoring.status.summary import DATABASE_AWAY, Shown, summary

SHARED_SECONDS = 15
FIRST_YEAR = 2020
MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class SubscribeForm(forms.Form):
    """An address."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )

    def clean_email(self) -> str:
        """One that a mail can reach."""
        try:
            return subscribers.reader_address(self.cleaned_data["email"])
        except InvalidRecipientError as error:
            raise forms.ValidationError(str(error.detail)) from error


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """How everything is, and was on the last 90 days. Warm, it asks no database."""
    shown = summary()
    response = render(request, "monitoring/status/page.html", {**told_of(shown), "parts": _parts(shown)})
    return shared(response)


def _parts(shown: Shown) -> dict[str, Any]:
    """What is the same for all who look at one summary, rendered once."""
    if not shown.rendered:
        value = shown.value
        today, since = shown.made_at.astimezone(UTC).date(), value.get("measured_since")
        recent = [_incident(one) for one in value["recent"]]
        shown.rendered = {
            "components": mark_safe(  # noqa: S308 - our own template's words
                render_to_string(
                    "monitoring/status/_components.html",
                    {"components": [_component(one) for one in value["components"]], "days": composing.DAYS_SHOWN},
                )
            ),
            "recent": mark_safe(  # noqa: S308 - our own template's words
                render_to_string(
                    "monitoring/status/_days.html",
                    {"days": composing.by_day(recent, today, parse_date(since) if since else None)},
                )
            ),
        }
    return shown.rendered


def told_of(shown: Shown) -> dict[str, Any]:
    value = shown.value
    return {
        "summary": value,
        "incidents": [_incident(one) for one in value["incidents"]],
        "maintenances": [_incident(one) for one in value["maintenances"]],
        "measured_at": shown.measured_at,
        "is_old": shown.is_old,
        "indicator": "critical" if shown.is_old else value["indicator"],
        "description": _("Our database does not answer") if shown.is_old else value["description"],
    }


def _component(one: dict[str, Any]) -> dict[str, Any]:
    return {
        **one,
        "label": _effect_label(one["status"]),
        "share": one["uptime"][f"{composing.DAYS_SHOWN}_days"],
        "bars": [{**bar, "day": parse_date(bar["date"]), "level": level(bar)} for bar in one["days"]],
    }


def level(bar: dict[str, Any]) -> str:
    """How a day is drawn: each in a shape of its own, so that no colour is needed to tell them apart."""
    share = bar["uptime"]
    if share is None:
        return "maintained" if bar["maintenance"] else "none"
    if not bar["down"]:
        return "up"
    return "hiccup" if share >= 99.5 else "partly" if share >= 95 else "down"


def _effect_label(state: str) -> str:
    labels = {**dict(IncidentComponent.Effect.choices), composing.UNKNOWN: _("Not measured yet")}
    return str(labels.get(state, state))


def _incident(one: dict[str, Any]) -> dict[str, Any]:
    """With times as times and states in words."""
    labels = dict(Incident.State.choices)
    moments = ("started_at", "created_at", "updated_at", "resolved_at", "scheduled_for", "scheduled_until")
    return {
        **one,
        **{name: datetime.fromisoformat(one[name]) if one[name] else None for name in moments},
        "label": labels[one["status"]],
        "impact_label": dict(Incident.Impact.choices)[one["impact"]],
        "components": [{**part, "label": _effect_label(part["status"])} for part in one["components"]],
        "incident_updates": [
            {**told, "label": labels[told["status"]], "created_at": datetime.fromisoformat(told["created_at"])}
            for told in one["incident_updates"]
        ],
    }


@require_safe
def history(request: HttpRequest, month: str = "") -> HttpResponse:
    """All that was told in a month."""
    today = now().date()
    first = _month(month, today)
    after = (first + timedelta(days=32)).replace(day=1)
    incidents = [_incident(composing.as_json(one)) for one in composing.month(first, after)]
    before = (first - timedelta(days=1)).replace(day=1)
    page_context = {
        "month": first,
        "incidents": incidents,
        "older": f"{before:%Y-%m}" if before.year >= FIRST_YEAR else "",
        "newer": f"{after:%Y-%m}" if after <= today else "",
    }
    return shared(render(request, "monitoring/status/history.html", page_context))


def _month(text: str, today: date) -> date:
    if not text:
        return today.replace(day=1)
    found = MONTH.fullmatch(text)
    if found is None or int(found[1]) < FIRST_YEAR:
        raise Http404
    first = date(int(found[1]), int(found[2]), 1)
    if first > (today + timedelta(days=366)).replace(day=1):
        raise Http404
    return first


@require_safe
def incident(request: HttpRequest, incident: str) -> HttpResponse:
    """One incident from its first word to its last; an open one also while the database is away."""
    try:
        row = Incident.objects.filter(pk=Incident.parse_public_id(incident)).first()
        found = composing.as_json(row) if row is not None else None
    except DATABASE_AWAY:
        value = summary().value
        known = [*value["incidents"], *value["maintenances"], *value["recent"]]
        found = next((one for one in known if one["id"] == incident), None)
        if found is None:
            raise
    if found is None:
        raise Http404
    return shared(render(request, "monitoring/status/incident.html", {"incident": _incident(found)}))


@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """Asks for mail: an address that is not confirmed yet gets a link. Whatever we know of it, the answer is one."""
    if request.method == "POST":
        limit(request, "status_subscribe", "10/h")
    form = SubscribeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        subscribers.subscribe(form.cleaned_data["email"])
        return redirect("status_subscribed")
    return render(request, "monitoring/status/subscribe.html", {"form": form}, status=422 if form.errors else 200)


@require_safe
def subscribed(request: HttpRequest) -> HttpResponse:
    """What comes next."""
    told = {
        "heading": _("Look into your mail"),
        "words": _(
            "If this address does not get our mail yet, we have sent a link to it. Open the link to confirm that the "
            "address is yours."
        ),
    }
    return render(request, "monitoring/status/told.html", told)


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link of the mail: a button, since programs that look through mail open links by themselves."""
    try:
        return _confirm(request, token)
    except subscribers.BadLinkError as error:
        words = _("It may be too old, or a part of it is missing. Subscribe again, and we send a new one.")
        return _bad_link(request, error, words)


def _confirm(request: HttpRequest, token: str) -> HttpResponse:
    if request.method == "POST":
        subscribers.confirm(token)
        told = {
            "heading": _("You are subscribed"),
            "words": _("We will write when something happens, and when it is over."),
        }
        return render(request, "monitoring/status/told.html", told)
    if subscribers.is_confirmed(token):
        told = {
            "heading": _("You get this mail already"),
            "words": _("There is nothing more to do. Each mail has a link with which you leave."),
        }
        return render(request, "monitoring/status/told.html", told)
    ask = {
        "heading": _("Get mail about incidents?"),
        "words": _("A mail for each step of an incident or maintenance, and nothing else."),
        "button": _("Subscribe"),
    }
    return render(request, "monitoring/status/told.html", ask)


@csrf_exempt  # mail programs send the form of RFC 8058 themselves; the link is the key
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One click, here or in the mail program."""
    try:
        return _unsubscribe(request, token)
    except subscribers.BadLinkError as error:
        words = _("A part of it is missing. Copy the whole link from the newest mail that you got.")
        return _bad_link(request, error, words)


def _unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    if request.method == "POST":
        subscribers.unsubscribe(token)
        told = {"heading": _("You are unsubscribed"), "words": _("We have forgotten your address.")}
        return render(request, "monitoring/status/told.html", told)
    subscribers.check_link(token, subscribers.LEAVE)
    ask = {
        "heading": _("No more mail about incidents?"),
        "words": _("We will forget your address."),
        "button": _("Unsubscribe"),
    }
    return render(request, "monitoring/status/told.html", ask)


def _bad_link(request: HttpRequest, error: subscribers.BadLinkError, words: str) -> HttpResponse:
    """Who comes here wants to know of incidents: the way on is the status page, not the start page."""
    told = {"heading": _("This link is not good any more"), "words": words}
    return render(request, "monitoring/status/told.html", told, status=error.status)


def shared(response: HttpResponse) -> HttpResponse:
    """The same for everybody: whoever stands between may keep it for a moment, and while we are away."""
    response["Cache-Control"] = f"public, max-age={SHARED_SECONDS}, stale-if-error=86400"
    return response
