"""Pages of a member: who may open them, and limits on how often."""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from django_ratelimit.core import get_usage

from apps.accounts.errors import RateLimitedError
from apps.accounts.permissions import require, require_own_account
from apps.accounts.requests import MemberRequest, PersonRequest

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PersonView = Callable[Concatenate[PersonRequest, P], HttpResponse]
MemberView = Callable[Concatenate[MemberRequest, P], HttpResponse]


def signed_in_page(view: PersonView[P]) -> View[P]:
    """For pages of a signed-in person; others go to the login."""

    def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        return view(cast(PersonRequest, request), *args, **kwargs)

    update_wrapper(wrapped, view)
    return login_required(wrapped)


def own_account_page(view: PersonView[P]) -> View[P]:
    """For pages about one's own credentials and memberships: staff acting as a customer are kept out (403)."""

    def wrapped(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        require_own_account(request.actor)
        return view(request, *args, **kwargs)

    update_wrapper(wrapped, view)
    return signed_in_page(wrapped)


def organization_page(permission: str) -> Callable[[MemberView[P]], View[P]]:
    """For function views that show or change something of the current organization (`request.organization`).

    Visitors go to the login, people without an organization to the page that makes one; a role without `permission`
    is refused (403).
    """

    def decorate(view: MemberView[P]) -> View[P]:
        def wrapped(request: PersonRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.organization is None:
                return redirect("organization_create")
            require(request.actor, permission, request.organization)
            return view(cast(MemberRequest, request), *args, **kwargs)

        update_wrapper(wrapped, view)
        return signed_in_page(wrapped)

    return decorate


def form_of(page: str, *names: str) -> Callable[[View[P]], View[P]]:
    """For views that only take the forms of another page: who opens their address is led to that page.

    A form that was refused is shown again at the address it was sent to; opening it anew must not be an error. `names`
    are the parameters of the address that the page's own address needs. Put it outermost: a visitor's login then leads
    to the page.
    """

    def decorate(view: View[P]) -> View[P]:
        def wrapped(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method in ("GET", "HEAD"):
                return redirect(reverse(page, kwargs={name: kwargs[name] for name in names}))
            return view(request, *args, **kwargs)

        update_wrapper(wrapped, view)
        return require_http_methods(["GET", "HEAD", "POST"])(wrapped)

    return decorate


def limit(request: HttpRequest, group: str, rate: str, *, key: str = "ip") -> None:
    """Count this request; raises `RateLimitedError` (429, `retry_after` in seconds) above the rate ("20/h").

    `key` is django-ratelimit's: "ip", "user" or "user_or_ip".
    """
    usage: dict[str, Any] | None = get_usage(request, group=group, key=key, rate=rate, increment=True)
    if usage is not None and usage["should_limit"]:
        wait = max(int(usage["time_left"]), 1)
        raise RateLimitedError(_("Try again in %(seconds)s seconds.") % {"seconds": wait}, retry_after=wait)
