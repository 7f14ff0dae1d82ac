"""Pages about calls: how many there were, and what the plans include."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.requests import MemberRequest
from apps.accounts.web import organization_page
from apps.billing import words
from apps.billing.catalogue import catalogue
from apps.billing.shelf import Reader, reader_of, shown
from apps.core.kinds import Dimension
from apps.developers import selectors
from apps.developers.standing import StandingInWords
from apps.developers.usage_charts import chart_of_calls, in_words
from apps.usage.measuring import Group
from apps.usage.plans import API_PLAN, Family, plans_of
from apps.usage.selectors import standing
from apps.usage.statistics import RecentCalls, recent_calls

MOST_SHOWN = 10


def tabs(current: str) -> list[dict[str, Any]]:
    """The pages for developers."""
    pages = (
        ("developer", _("Overview")),
        ("api_keys", _("API keys")),
        ("api_requests", _("Requests")),
        ("usage", _("Usage")),
        ("plans", _("Plans")),
    )
    return [{"label": label, "url": reverse(name), "current": name == current} for name, label in pages]


def standing_of(request: MemberRequest) -> StandingInWords:
    """How the organization stands."""
    return StandingInWords(standing(request.organization), may_buy=request.may("billing.manage"))


def charts_of(request: MemberRequest, calls: RecentCalls) -> dict[str, Any]:
    """Calls per day by key and by category; nothing where there were none."""
    if not calls.total:
        return {}
    names = selectors.key_names(request.organization, _uuids(calls, "key_id"))
    return {
        "by_key": chart_of_calls(_("Calls per day, by key"), calls, "key_id", _namer(names, _("Deleted key"))),
        "by_category": chart_of_calls(_("Calls per day, by endpoint"), calls, "category", str),
    }


@require_safe
@organization_page("usage.view")
def usage(request: MemberRequest) -> HttpResponse:
    """The calls of the last days, and of which keys, people and endpoints they are."""
    calls = recent_calls(request.organization)
    context: dict[str, Any] = {
        "page_title": _("Usage"),
        "page_lead": _("What %(name)s called, up to this moment. Days are UTC.") % {"name": request.organization.name},
        "tabs": tabs("usage"),
        "now": standing_of(request),
        "calls": calls,
    }
    if calls.total:
        days = _days(calls)
        keys = _namer(selectors.key_names(request.organization, _uuids(calls, "key_id")), _("Deleted key"))
        people = _namer(selectors.person_names(_uuids(calls, "user_id")), _("Somebody who left"))
        context |= {
            "a_day": calls.total / len(calls.days),
            "busiest": max(days, key=lambda day: day["calls"]),
            "active_keys": calls.active("key_id"),
            "active_people": calls.active("user_id"),
            "chart": chart_of_calls(_("Calls per day, by endpoint"), calls, "category", str),
            "parts": [
                _part(_("By endpoint"), _("Endpoint"), calls, "category", str),
                _part(_("By key"), _("Key"), calls, "key_id", keys),
                _part(_("By person"), _("Person"), calls, "user_id", people),
            ],
            "days": days,
        }
    return render(request, "developers/usage.html", context)


@require_safe
@organization_page("usage.view")
def plans(request: MemberRequest) -> HttpResponse:
    """What each plan includes and costs, which one holds, and changing to another."""
    now, reader = standing_of(request), reader_of(request)
    context = {
        "page_title": _("Plans"),
        "page_lead": _("One plan holds for all keys and people of %(name)s. Months are calendar months (UTC).")
        % {"name": request.organization.name},
        "tabs": tabs("plans"),
        "now": now,
        "reader": reader,
        "families": [
            (
                _("Fixed price"),
                _("Calls beyond the plan are refused, so that the bill never grows. Credits let them pass."),
                _rows("portal", now, reader),
            ),
            (_("By usage"), _("Calls beyond the plan pass and are billed."), _rows("usage", now, reader)),
        ],
        "refund_words": words.refund_words(),
        "hold_words": words.hold_words(),
        "coupons": [words.coupon_words(one) for one in catalogue().coupons.values() if one.is_current],
        "may_see_billing": request.may("billing.view"),
    }
    return render(request, "developers/plans.html", context)


def _rows(family: Family, now: StandingInWords, reader: Reader) -> list[dict[str, Any]]:
    rows = []
    for plan in plans_of(family):
        product = catalogue().granting(API_PLAN, plan.code)
        offered = shown(product, reader) if product and product.on_sale else None
        is_present = plan == now.plan and not now.in_sandbox
        rows.append(
            {
                "plan": plan,
                "is_present": is_present,
                "offered": offered,
                "overage": product.overage if product else None,
                "support": words.SUPPORT_IN_SHORT[product.support if product else "community"],
                "label": offered.label if offered and offered.url and not is_present else "",
            }
        )
    return rows


def _part(title: str, column: str, calls: RecentCalls, dimension: Dimension, named: Any) -> dict[str, Any]:
    """One way to divide the calls: the largest shares, and what is behind them in one."""
    found = calls.by(dimension)
    code = dimension == "category"
    rows = [(named(group), count, count / calls.total, code) for group, count in found[:MOST_SHOWN]]
    rest = found[MOST_SHOWN:]
    if rest:
        count = sum(part for _group, part in rest)
        rows.append((_("%(count)s others") % {"count": len(rest)}, count, count / calls.total, False))
    return {"title": title, "column": column, "rows": rows}


def _days(calls: RecentCalls) -> list[dict[str, Any]]:
    """The days with calls, the newest first, each with the endpoint that was called most."""
    days = []
    for day, found in reversed(calls.per_day("category")):
        if count := sum(found.values()):
            most = max(found.items(), key=lambda row: (row[1], str(row[0])))
            days.append({"day": in_words(day, "d MMM y"), "calls": count, "most": most[0], "share": most[1] / count})
    return days


def _uuids(calls: RecentCalls, dimension: Dimension) -> list[UUID]:
    return [group for group, _count in calls.by(dimension) if isinstance(group, UUID)]


def _namer(names: dict[UUID, str], unknown: str) -> Any:
    def named(group: Group) -> str:
        return names.get(group, unknown) if isinstance(group, UUID) else group

    return named
