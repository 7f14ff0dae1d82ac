"""Who is asking: `request.actor`, `request.organization` and the context of audit, mail and events."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.accounts import selectors
from apps.accounts.acting import bind_actor
from apps.accounts.errors import ImpersonationForbiddenError
from apps.accounts.models import Impersonation, Membership, Organization, User
from apps.accounts.permissions import Actor, can
from apps.accounts.requests import ActorRequest
from apps.accounts.services.impersonation import IMPERSONATION_KEY, end_impersonation
from apps.core.context import bind
from apps.core.errors import DomainError, NotFoundError
from apps.core.middleware import DomainErrorMiddleware, is_api

GetResponse = Callable[[HttpRequest], HttpResponse]
ORGANIZATION_KEY = "organization_id"
INVITATION_KEY = "invitation_token"
CREDENTIAL_PAGES = "accounts/"  # where allauth is mounted
STAFF_PAGES = "/admin/"  # staff stay themselves there
SEEN_EVERY = 60.0  # seconds between two notes that a session is in use
ALLOWED_WHILE_IMPERSONATING = frozenset({"account_logout"})


class SessionActivityMiddleware:
    """Notes address, browser and time of use of a session for the session list, at most once a minute per process.

    allauth's own middleware writes at every request, which polls and live pages would turn into a write each.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self._seen: OrderedDict[tuple[str, str], float] = OrderedDict()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.session.session_key
        if key and self._is_due(key, request.META.get("REMOTE_ADDR", "")) and request.user.is_authenticated:
            UserSession.objects.create_from_request(request)
        return self.get_response(request)

    def _is_due(self, key: str, address: str) -> bool:
        moment = time.monotonic()
        if moment - self._seen.get((key, address), -SEEN_EVERY) < SEEN_EVERY:
            return False
        self._seen[key, address] = moment
        self._seen.move_to_end((key, address))
        while len(self._seen) > 10_000:
            self._seen.popitem(last=False)
        return True


class ActorMiddleware:
    """Resolves the session's person, their organization and a running impersonation, afresh in each request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: ActorRequest) -> HttpResponse:
        request.actor = None
        request.organization = None
        request.impersonation = None
        request.actor_refusal = None
        request.organization_offered = None
        request.may = lambda code: False
        if request.session.session_key and not isinstance(request.user, AnonymousUser):
            self._resolve(request, request.user)
        return self.get_response(request)

    def process_view(self, request: ActorRequest, *_args: Any) -> HttpResponse | None:
        """Django's hook: tell what `__call__` found out, now that pages and messages can be shown."""
        refusal: DomainError | None = request.actor_refusal
        match = request.resolver_match
        if (
            request.impersonation is not None
            and match is not None
            and match.route.startswith(CREDENTIAL_PAGES)
            and match.url_name not in ALLOWED_WHILE_IMPERSONATING
        ):
            refusal = ImpersonationForbiddenError(_("Staff acting as a customer cannot do this."))
        if refusal is not None:
            return DomainErrorMiddleware(self.get_response).process_exception(request, refusal)
        if request.organization_offered is not None:
            page = {"page_title": _("Switch organization?"), "wanted": request.organization_offered}
            return render(request, "accounts/organization_confirm.html", page)
        if request.session.pop("impersonation_ran_out", False):
            messages.info(request, _("The time to act as a customer ran out: you are yourself again."))
        return None

    def _resolve(self, request: ActorRequest, user: User) -> None:
        running = self._impersonation(request, user)
        if running is not None:
            membership = selectors.membership_in(running.user, running.organization_id)
            if membership is not None:
                request.user = running.user
                request.impersonation = running
                self._act(request, running.user, membership, impersonator=running.staff_user)
                return
            end_impersonation(running, reason="membership_ended")
            del request.session[IMPERSONATION_KEY]
        try:
            membership = self._membership(request, user)
        except NotFoundError as error:
            request.actor_refusal, membership = error, None
        self._act(request, user, membership)

    def _act(
        self, request: ActorRequest, user: User, membership: Membership | None, impersonator: User | None = None
    ) -> None:
        organization: Organization | None = membership.organization if membership else None
        role = membership.role if membership else ""
        request.organization = organization
        actor = request.actor = Actor(user, organization, "session", role, impersonator)
        request.may = lambda code: organization is not None and can(actor, code, organization)
        bind_actor(actor)
        if request.path.startswith(STAFF_PAGES):
            bind(actor_kind="staff", organization_id=None, realm_id=None)

    def _impersonation(self, request: ActorRequest, user: User) -> Impersonation | None:
        key = request.session.get(IMPERSONATION_KEY)
        if key is None or request.path.startswith(STAFF_PAGES):
            return None
        running = selectors.running_impersonation(uuid.UUID(key))
        if running is not None and running.staff_user_id == user.pk:
            if running.is_running() and running.staff_user.is_staff and running.user.is_active:
                return running
            end_impersonation(running, reason="expired")
            request.session["impersonation_ran_out"] = True
        del request.session[IMPERSONATION_KEY]
        return None

    def _membership(self, request: ActorRequest, user: User) -> Membership | None:
        """The organization named in the address, else the session's, else the one joined first.

        A name in an address (a link in a mail) counts for its request alone: it never changes the session. Who opens
        such a page while working in another organization is asked to switch first, since the page's own links and
        forms name none. Raises `NotFoundError` where the address names one that the person does not belong to.
        """
        chosen = request.session.get(ORGANIZATION_KEY)
        membership = selectors.membership_in(user, uuid.UUID(chosen)) if chosen else None
        membership = membership or selectors.first_membership(user)
        if not (wanted := request.GET.get("organization")):
            return membership
        named = selectors.membership_named(user, wanted)
        if named == membership or is_api(request) or request.method not in ("GET", "HEAD"):
            return named
        request.organization_offered = named.organization
        return membership


def remember_organization(request: HttpRequest, organization: Organization) -> None:
    """Make this the session's organization."""
    request.session[ORGANIZATION_KEY] = str(organization.pk)


def pending_invitation_token(request: HttpRequest) -> str | None:
    """The invitation that brought this visitor, kept while they sign up or log in."""
    token: str | None = request.session.get(INVITATION_KEY)
    return token
