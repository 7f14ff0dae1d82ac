"""The log of API requests: what programs sent, what they got, and sending it again."""

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apps.accounts.models import ApiKey
from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.developers import selectors
from apps.developers.views_usage import tabs
from apps.usage.models import NOBODY, ApiRequest
from apps.usage.retention import REQUESTS_KEPT

PAGE = 50
SENDING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
SENT_BY_BROWSERS = SENDING | {"GET", "HEAD", "OPTIONS"}


class RequestFilterForm(forms.Form):
    """What the log is narrowed to."""

    key = forms.ChoiceField(label=_lazy("Key"), required=False)
    environment = forms.ChoiceField(label=_lazy("Environment"), required=False, choices=ApiKey.Environment.choices)
    outcome = forms.ChoiceField(
        label=_lazy("Outcome"),
        required=False,
        choices=[("", _lazy("All outcomes")), *ApiRequest.Outcome.choices],
    )
    request = forms.CharField(
        label=_lazy("Request id"),
        required=False,
        max_length=64,
        widget=forms.TextInput(attrs={"placeholder": _lazy("Request id"), "type": "search"}),
    )

    def __init__(self, data: Any, keys: list[tuple[str, str]]) -> None:
        super().__init__(data)
        field = self.fields["key"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", _("All keys")), *keys, ("none", _("Without a key"))]
        for name in ("key", "environment", "outcome"):
            self.fields[name].widget.attrs["data-submit-on-change"] = True


@require_safe
@never_cache
@organization_page("keys.view")
def request_list(request: MemberRequest) -> HttpResponse:
    """The calls of the last two weeks, newest first."""
    keys = list(selectors.keys_of(request.organization).order_by("-pk")[:100])
    form = RequestFilterForm(request.GET, [(key.public_id, f"{key.name} ({key.shown})") for key in keys])
    in_sandbox = request.GET.get("environment") == ApiKey.Environment.TEST
    rows = selectors.requests_of(request.organization, in_sandbox=in_sandbox)
    page = selectors.page_of_requests(_narrowed(request, rows), request.GET.get("cursor"), PAGE)
    names = selectors.key_names(request.organization, {row.key_id for row in page.rows})
    context = {
        "page_title": _("Requests"),
        "page_lead": _(
            "The calls of the last %(days)s days, up to a second ago. Of those beyond a limit one a minute is kept."
        )
        % {"days": REQUESTS_KEPT.days},
        "tabs": tabs("api_requests"),
        "form": form,
        "has_keys": bool(keys),  # whose calls may all be in the other environment
        "rows": [(row, names.get(row.key_id, "")) for row in page.rows],
        "next_cursor": page.next_cursor,
        "filtered": any(request.GET.get(name) for name in ("key", "outcome", "request", "cursor")) or in_sandbox,
    }
    return render(request, "developers/requests.html", context)


@require_safe
@never_cache
@organization_page("keys.view")
def request_detail(request: MemberRequest, request_key: str) -> HttpResponse:
    """One call; who may manage keys sees what was sent and may send it again."""
    row = selectors.get_request(request.organization, request_key)
    may_replay = request.may("keys.manage")
    context = {
        "page_title": f"{row.method} {row.path.partition('?')[0]}",
        "breadcrumbs": [{"label": _("Requests"), "url": reverse("api_requests")}, {"label": row.public_id}],
        "row": row,
        "key_name": selectors.key_names(request.organization, {row.key_id}).get(row.key_id, ""),
        "body": _pretty(row.body) if may_replay else "",
        "may_replay": may_replay,
        "changes": row.method in SENDING,
        "not_replayed": _why_not_replayed(row),
    }
    return render(request, "developers/request.html", context)


def _narrowed(request: MemberRequest, rows: QuerySet[ApiRequest]) -> QuerySet[ApiRequest]:
    wanted = request.GET.get("key", "")
    key = NOBODY if wanted == "none" else selectors.get_key(request.organization, wanted).pk if wanted else None
    outcome = request.GET.get("outcome", "")
    return selectors.narrowed(
        rows,
        key=key,
        outcome=outcome if outcome in ApiRequest.Outcome.values else "",
        request_id=request.GET.get("request", "").strip()[:64],
    )


def _why_not_replayed(row: ApiRequest) -> str:
    """Why the call can't be sent again as it was; empty where it can."""
    if row.method not in SENT_BY_BROWSERS:
        return _("A browser can't send such a call.")
    return row.get_left_out_display() if row.left_out else ""


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body
