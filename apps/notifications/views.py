"""A person's inbox, what they want to hear of, and the way out of mail."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.permissions import require_own_account
from apps.accounts.requests import MemberRequest, PersonRequest
from apps.accounts.web import form_of, organization_page, own_account_page
from apps.core.pagination import paginate, parse_limit
from apps.notifications import selectors
from apps.notifications.badge import unread_count
from apps.notifications.contributed import label_of
from apps.notifications.services import notices
from apps.notifications.unsubscribing import read_token


@require_safe
@organization_page("notifications.view")
def inbox(request: MemberRequest) -> HttpResponse:
    """What the person was told, the newest first."""
    unread = request.GET.get("unread") == "1"
    found = selectors.inbox(request.actor, unread=unread)
    page = paginate(found, request.GET.get("cursor"), parse_limit(request.GET.get("limit")))
    here = reverse("notifications")
    context = {
        "page_title": _("Notifications"),
        "rows": [(row, label_of(row.code)) for row in page.rows],
        "next_cursor": page.next_cursor,
        "unread": unread,
        "new": unread_count(request),
        "tabs": [
            {"label": _("All"), "url": here, "current": not unread},
            {"label": _("Unread"), "url": f"{here}?unread=1", "current": unread},
        ],
    }
    return render(request, "notifications/inbox.html", context)


@require_safe
@organization_page("notifications.view")
def open_notification(request: MemberRequest, notification_id: str) -> HttpResponse:
    """Lead to what it is about. Opening it is reading it, but for staff who act as the person."""
    row = selectors.notification_of(request.actor, notification_id)
    if not request.actor.is_impersonated and request.method == "GET":
        notices.mark_read(row)
    return redirect(row.url if notices.is_own_path(row.url) else "notifications")


@form_of("notifications")
@organization_page("notifications.view")
def read(request: MemberRequest, notification_id: str) -> HttpResponse:
    """Mark one as read, and show the list again."""
    require_own_account(request.actor)
    notices.mark_read(selectors.notification_of(request.actor, notification_id))
    return redirect(f"{reverse('notifications')}?unread=1" if request.POST.get("unread") else "notifications")


@form_of("notifications")
@organization_page("notifications.view")
def read_all(request: MemberRequest) -> HttpResponse:
    """Mark all as read."""
    require_own_account(request.actor)
    notices.mark_all_read(request.actor)
    return redirect("notifications")


@own_account_page
def settings(request: PersonRequest) -> HttpResponse:
    """What the person hears of, and how."""
    if request.method == "POST":
        for choice in selectors.choices_of(request.user):
            code = choice.kind.code
            mail = f"mail:{code}" in request.POST
            if not choice.locked:
                notices.choose(request.user, code, in_app=f"in_app:{code}" in request.POST, mail=mail)
        messages.success(request, _("Your choice was saved."))
        return redirect("notification_settings")
    context = {
        "page_title": _("Notifications"),
        "page_lead": _("What you hear of, in all your organizations."),
        "choices": selectors.choices_of(request.user),
    }
    return render(request, "notifications/settings.html", context)


@csrf_exempt  # mail programs post here, without a session; the token is the key, and can do only this
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask (GET), or end mail of one type at once (POST, as RFC 8058 has it). No login; a wrong token learns nothing."""
    found = read_token(token)
    context = {"page_title": _("Unsubscribe"), "kind": found.kind if found else None, "done": False}
    if found is not None and request.method == "POST":
        notices.unsubscribe(found.user, found.kind.code)
        context["done"] = True
    return render(request, "notifications/unsubscribe.html", context, status=200 if found else 404)
