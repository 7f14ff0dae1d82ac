"""Every route, every method, every role: read from the URL configuration, so a new route is covered by being there.

A route with a parameter that nobody taught this test fails until a value for it is added to `values`.
"""

import json

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts.models import Membership
from apps.accounts.services import api_keys, invitations, tokens
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.organizations import create_organization
from apps.accounts.urls import GUESSES
from apps.integrations.models import MailMessage
from apps.monitoring.services.incidents import open_incident
from apps.notifications.models import Notification
from apps.notifications.services.notices import notify
from apps.workflows.engine.worker import work
from apps.workflows.models import StepRun
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.secrets import put_secret
from apps.workflows.services.starting import Start, start_run
from tests.common.bills import OVERAGE, make_invoice, make_order, make_subscription
from tests.common.passkey import SoftPasskey
from tests.common.roles import actor_of, api_client_of, client_of
from tests.common.routes import routes
from tests.common.usage import logged

pytestmark = pytest.mark.django_db

METHODS = ("get", "head", "post", "put", "patch", "delete", "options")

# Routes whose parameter is a key of its own, or names nothing that belongs to an organization, and why.
OPEN_OBJECTS = {
    "hook": "the signature lets a caller in, not a login",
    "vendor_webhook": "the vendor's signature lets it in",
    "invitation": "the token is the key; tried in tests/unit/accounts",
    "dev_mail_detail": "a demo's mail, on one's own machine only",
    "dev_mail_html": "a demo's mail, on one's own machine only",
    "dev_mail_raw": "a demo's mail, on one's own machine only",
    "problem_type": "says the same to everybody",
    "demo_notify": "the demo's own endpoint",
    "dev_guide": "says the same to everybody",
    "docs_sdk_download": "says the same to everybody; tried in tests/flows/test_docs.py",
    **dict.fromkeys(("status_incident", "status_month"), "says the same to everybody"),
    **dict.fromkeys(("status_confirm", "status_unsubscribe"), "the link of a mail is the key"),
    "api_meter": "everybody has the same meters, and figures of their own",
    "unsubscribe": "the token is the key; tried in tests/flows/test_notifications.py",
    **dict.fromkeys(("status_confirm", "status_unsubscribe"), "the token is the key; tried in test_subscribers.py"),
    **dict.fromkeys(("status_month", "status_incident"), "says the same to everybody"),
    "account_confirm_email": "the key from the mail lets in",
    "account_reset_password_from_key": "the key from the mail lets in",
}

# Addresses that take a page's forms: opened, they lead to that page.
FORMS_OF = {
    **dict.fromkeys(("member_invite", "member_leave", "member_role", "member_remove"), "/settings/members"),
    **dict.fromkeys(("invitation_revoke", "invitation_resend"), "/settings/members"),
    **dict.fromkeys(("organization_switch", "impersonation_stop", "getting_started_hide"), "/dashboard"),
    "session_end": "/accounts/sessions/",
    "token_revoke": "/settings/tokens",
    **dict.fromkeys(("api_key_create", "api_key_rotate", "api_key_replace", "api_key_revoke"), "/developer/api-keys"),
    "invitation_accept": "/organizations/new",
    "workflow_check": "/workflows/new",
    **dict.fromkeys(("workflow_archive", "workflow_restore"), "/workflows/"),
    **dict.fromkeys(("workflow_switch", "trigger_switch", "trigger_reveal", "trigger_rotate"), "/workflows/"),
    "version_restore": "/workflows/",
    **dict.fromkeys(("run_cancel", "run_again", "step_decide"), "/runs/run_"),
    **dict.fromkeys(("secret_put", "secret_delete"), "/secrets"),
    **dict.fromkeys(("notifications_read", "notification_read"), "/notifications"),
    **dict.fromkeys(("billing_order", "billing_order_cancel", "billing_cancel", "billing_resume"), "/billing"),
    **dict.fromkeys(("billing_spend_cap", "billing_portal", "billing_tax_id", "billing_tax_id_remove"), "/billing"),
}
# Addresses of programs, which nobody opens: a GET is refused.
PROGRAMS = {"vendor_webhook", "hook", "demo_notify", "demo_tickets", "docs_api_token"}
# Where an owner's GET leads to another page, and where it finds none; every other page is there.
GUESTS, CONFIRM = "/dashboard", "/accounts/reauthenticate/"
LEADS_TO = {
    "dev": "/dev/overview",
    "notification": "/notifications",  # it names no page
    "billing_checkout": "/pricing",  # nothing is named
    "billing_pay": "/billing/orders/order_",  # it is over
    **dict.fromkeys(("account_login", "account_signup", "account_confirm_login_code"), GUESTS),
    **dict.fromkeys(("mfa_authenticate", "mfa_login_webauthn"), GUESTS),
    **dict.fromkeys(("mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn"), CONFIRM),
    **dict.fromkeys(("mfa_activate_totp", "mfa_generate_recovery_codes", "mfa_reauthenticate"), CONFIRM),
    "mfa_list_webauthn": "/accounts/2fa/",
    "account_set_password": "/accounts/password/change/",  # there is one
    "socialaccount_signup": "/accounts/login/",  # nobody came from a provider
    "": "/accounts/3rdparty/",  # allauth's old addresses
    "favicon": "/static/img/",
    **dict.fromkeys(("guess_login", "guess_signin"), "/accounts/login/"),
    **dict.fromkeys(("guess_signup", "guess_register"), "/accounts/signup/"),
    "guess_logout": "/accounts/logout/",
    **dict.fromkeys(("guess_settings", "guess_account"), "/settings/profile"),
}
NOT_THERE = {
    "docs_sdk_download": "nothing was built here",
    "api_token": "401: a page's session makes a token, a token makes none",
    "socialaccount_login_error": "401: tells that a provider let nobody in",
    "mfa_deactivate_totp": "the owner has a key, no authenticator app",
    "mfa_view_recovery_codes": "nor codes",
    "mfa_download_recovery_codes": "nor codes",
    "invitation": "no invitation has this token",
    **dict.fromkeys(("unsubscribe", "status_confirm", "status_unsubscribe"), "no mail has this token"),
    "impersonation_start": "for staff",
    "styleguide": "for developers",
    **dict.fromkeys(("status_confirm", "status_unsubscribe"), "no mail has this link"),
    **{f"{vendor}_{page}": "no keys are set" for vendor in ("google", "github") for page in ("login", "callback")},
    "google_login_by_token": "no keys are set",
}

# What is about the owner's own passkey and inbox: a teammate finds none.
OWNERS = {"mfa_reauthenticate_webauthn": 302, "mfa_edit_webauthn": 404, "mfa_remove_webauthn": 404, "notification": 404}

# What a viewer may send: what concerns nobody else, what needs no login, and what another test tries.
VIEWER_SENDS = {
    "docs_api_token": "a token of one's own for the sandbox",
    "organization_create": "an organization of one's own",
    "organization_switch": "which of one's own is looked at",
    "getting_started_hide": "what one's own overview shows",
    "invitation_accept": "an offer to oneself",
    "invitation": "the token is the key",
    "member_leave": "one's own membership",
    "profile": "one's own name",
    **dict.fromkeys(("notifications_read", "notification_read", "notification_settings"), "one's own inbox"),
    **dict.fromkeys(("api_notifications_read", "api_notification_read"), "one's own inbox"),
    **dict.fromkeys(("unsubscribe", "status_confirm", "status_unsubscribe"), "the token is the key"),
    "session_end": "one's own browsers",
    "tokens": "one's own tokens, which may do no more",
    "token_revoke": "one's own tokens",
    "device": "one's own terminal",
    "impersonation_start": "404: for staff",
    "impersonation_stop": "ends nothing",
    "api_secret_scanning": "whoever has a key may end it",
    "api_validate": "checks a text and stores nothing",
    "api_step_decide": "the step names who decides: tests/unit/workflows/services/test_approving.py",
    "step_decide": "the step names who decides",
    **{f"guess_{guess}": "leads to a page" for guess in GUESSES},
    "hook": "the signature is the key",
    "status_subscribe": "an address of one's own, which is asked first",
    **dict.fromkeys(("status_confirm", "status_unsubscribe"), "the link of a mail is the key"),
    "vendor_webhook": "the vendor's signature is the key",
    "demo_notify": "the demo's own endpoint",
    "demo_tickets": "the demo's own endpoint",
    **dict.fromkeys(("api_device_start", "api_device_token"), "before the login"),
    **dict.fromkeys(("api_token", "api_token_refresh", "api_token_revoke"), "one's own tokens"),
}

SOURCE = """
name: Tried
triggers: [{name: hook, type: webhook}]
steps:
  - {id: list, type: transform, with: {value: [1]}}
  - {id: each, type: foreach, items: "{{ steps.list.output }}", steps: [{id: one, type: transform, with: {value: 1}}]}
  - {id: ok, type: approval, with: {message: go?}}
"""


@pytest.fixture
def values(organization, owner, teammate, developer):
    """A real object of `organization` for each parameter name."""
    actor = actor_of(owner, organization)
    workflow = create_workflow(organization, SOURCE, actor).workflow
    run = start_run(workflow, Start(kind="manual", user=owner))
    work()
    step = StepRun.objects.for_organization(organization).get(path="ok")
    put_secret(organization, "TOKEN", "value", actor)
    member = Membership.objects.for_organization(organization).get(user=developer)
    invitation = invitations.invite(actor, organization, email="new@example.com", role="viewer")
    tokens.mint(owner, organization, origin="session", client_name="x")
    family = owner.token_families.get()
    api_key = api_keys.create_key(actor, organization, "live", Terms("Tried")).key
    invoice = make_invoice(organization, (OVERAGE, 1_000, 300))
    mail = MailMessage.objects.all()[0]  # the invitation
    notify(organization, [owner], "quota_reached", title="80 %", idempotency_key="a")
    notification = Notification.objects.for_organization(organization).get()
    question = {"publicKey": {"user": {"id": "eA"}, "rp": {"id": "testserver"}, "challenge": "eA"}}
    credential = json.loads(SoftPasskey().register(question))
    key = Authenticator.objects.create(user=owner, type="webauthn", data={"name": "Tried", "credential": credential})
    return {
        "workflow": workflow.public_id,
        "slug": workflow.slug,
        "number": "1",
        "run": run.public_id,
        "run_id": run.public_id,
        "step": step.public_id,
        "step_id": step.public_id,
        "name": "TOKEN",
        "trigger": workflow.triggers.get().public_id,
        "trigger_id": workflow.triggers.get().public_id,
        "membership_id": member.public_id,
        "invitation_id": invitation.public_id,
        "family_id": family.public_id,
        "key_id": api_key.public_id,
        "session_id": "999999",
        "notification_id": notification.public_id,
        "user_id": owner.public_id,
        "public_id": mail.public_id,
        "vendor": "resend",
        "token": "no-such-token",
        "customer": "1",
        "pk": str(key.pk),
        "key": "no-such-key",
        "uidb36": "1",
        "code": "conflict",
        "guide": "overview",
        "request_key": logged(organization).public_id,
        "package": "no-such-package",
        "meter": "api_calls",
        "order_id": make_order(organization).public_id,
        "subscription_id": make_subscription(organization).public_id,
        "invoice_id": invoice.public_id,
        "line_id": str(invoice.lines.get().pk),
        "incident": open_incident("Slow", "We look.", {"api": "degraded_performance"}).public_id,
        "month": "2026-01",
    }


def ask(client, method, address):
    options = {"content_type": "application/json"} if method in ("post", "put", "patch", "delete") else {}
    if isinstance(client, APIClient):
        options = {"format": "json"} if method in ("post", "put", "patch", "delete") else {}
        return getattr(client, method)(address, {} if options else None, **options)
    return getattr(client, method)(address, **options)


def each(values, *, objects_only=False):
    for route in routes():
        unknown = [name for name in route.names if name not in values]
        assert not unknown, f"{route.pattern}: teach tests/flows/test_every_route.py a value for {unknown}"
        if objects_only and (not route.names or route.name in OPEN_OBJECTS):
            continue
        for method in METHODS:
            yield route, method, route.address(values)


class As:
    """A person with one token, and a fresh browser for each page (some pages log out)."""

    def __init__(self, user):
        self.user, self.program = user, api_client_of(user)

    def ask(self, route, method, address):
        return ask(self.program if route.is_api else client_of(self.user), method, address)


def test_outsiders_find_nothing_of_others(values, outsider):
    """404 (or 405 where the method does not exist), never 200, 302 into it, 403 or 500."""
    asked, somebody = 0, As(outsider)
    for route, method, address in each(values, objects_only=True):
        response = somebody.ask(route, method, address)
        allowed = {404, 405} | ({200} if method == "options" and route.is_api else set())
        if method in ("get", "head") and route.name in FORMS_OF:
            allowed = {302}  # whatever the address names; the page it leads to is tried itself
        if (route.name, method) == ("api_secret", "put"):
            allowed = {422}  # names a secret of the outsider's own vault
        assert response.status_code in allowed, (method, address, response.status_code)
        assert "Tried" not in response.content.decode("utf-8", "replace"), (method, address)
        asked += 1
    assert asked > 100


def test_strangers_are_asked_to_log_in(values):
    for route, method, address in each(values, objects_only=True):
        response = ask(APIClient() if route.is_api else Client(), method, address)
        wanted = {401, 405} if route.is_api else {302, 404, 405}
        assert response.status_code in wanted, (method, address, response.status_code)
        if response.status_code == 302:
            wanted = FORMS_OF.get(route.name, "") if method in ("get", "head") else ""
            assert response["Location"].startswith(wanted or "/accounts/login/"), (address, response["Location"])


@pytest.mark.parametrize("role", ["owner", "teammate"])
def test_no_method_breaks_for_members(role, values, request):
    """Whatever is sent to whatever address. (What they read: the next test.)"""
    somebody = As(request.getfixturevalue(role))
    for route, method, address in each(values):
        if method in ("put", "patch", "delete") and not route.is_api:
            continue
        response = somebody.ask(route, method, address)
        assert response.status_code < 500, (method, address, response.status_code)


@pytest.mark.parametrize("role", ["owner", "teammate"])
def test_members_find_every_page_and_every_object(role, values, request):
    """200; `FORMS_OF`, `LEADS_TO`, `NOT_THERE`, the programs' addresses and `OWNERS` are the exceptions."""
    somebody, met = As(request.getfixturevalue(role)), set()
    for route in routes():
        address = route.address(values) + ("?step=each" if route.name == "run_items" else "")
        response = somebody.ask(route, "get", address)
        told = (address, response.status_code, response.get("Location"))
        if response.status_code == 405:
            assert route.is_api or route.name in PROGRAMS, f"{told}: nobody may meet a 405 by opening an address"
        elif route.name in FORMS_OF:
            assert response.status_code == 302, told
            assert response["Location"].startswith(FORMS_OF[route.name]), told
            assert somebody.ask(route, "get", response["Location"]).status_code == 200, told
        elif role != "owner" and route.name in OWNERS:
            assert response.status_code == OWNERS[route.name], told
        elif route.name in LEADS_TO:
            assert response.status_code in (301, 302), told
            assert response["Location"].startswith(LEADS_TO[route.name]), told
        elif route.name in NOT_THERE:
            assert response.status_code == (401 if NOT_THERE[route.name].startswith("401") else 404), told
        else:
            assert response.status_code == 200, told
        met.add(route.name)
    assert {*FORMS_OF, *PROGRAMS, *LEADS_TO, *NOT_THERE, *OWNERS} <= met, "an exception for a route that is not there"


def test_viewers_change_nothing(values, viewer):
    """403, or 405 where a page is only read; `VIEWER_SENDS` names the exceptions. (One's own account: other tests.)"""
    somebody, met = As(viewer), set()
    for route, method, address in each(values):
        met.add(route.name)
        if method in ("get", "head", "options") or route.pattern.startswith("accounts/"):
            continue
        if (method == "post" or route.is_api) and route.name not in VIEWER_SENDS:
            response = somebody.ask(route, method, address)
            assert response.status_code in (403, 405), (method, address, response.status_code)
    assert set(VIEWER_SENDS) <= met, "an exception for a route that is not there"


def test_wrong_ids_are_not_there(values, owner):
    """Ids of the wrong kind, of nothing, or of nonsense: 404 or 422 whatever is sent, never 500 and never done."""
    other, somebody, asked = create_organization(owner, name="Second"), As(owner), set()
    wrongs = ("nonsense", other.public_id, "run_00000000000000000000000000", "%00", "x" * 300, "..", "‮")
    for wrong in wrongs:
        for route in routes():
            if not route.names or route.name in OPEN_OBJECTS or "number" in route.names or "session_id" in route.names:
                continue
            address = route.address(dict.fromkeys(values, wrong))
            for method in METHODS if route.is_api else ("get", "post"):
                response = somebody.ask(route, method, address)
                told = (method, address, response.status_code)
                if method == "options":
                    assert response.status_code in (200, 400, 404), told
                elif method in ("get", "head"):
                    wanted = {302, 400, 404} if route.name in FORMS_OF else {200, 400, 404, 405, 422}
                    assert response.status_code in wanted, told
                else:
                    assert response.status_code in {400, 404, 405, 422}, told
                    asked.add((route.name, method))
    assert len(asked) > 50


def test_the_admin_is_for_staff(world, owner, client):
    """Every list, object and action of it, for members and strangers. (What staff see: test_admin_pages.py.)"""
    names = {"object_id": str(world.pk), "content_type_id": "1", "name": "cancel", "app_label": "workflows", "url": "x"}
    names |= {"key": str(world.pk), "form": "pdf", "metric": "runs"}
    member, asked = client_of(owner), 0
    for route in routes(of_admin=True):
        if route.name in ("login", "logout"):
            continue
        for method in ("get", "post"):
            address = route.address(names)
            assert getattr(member, method)(address).status_code == 403, (method, address)
            stranger = getattr(client, method)(address)
            assert stranger.status_code == 302, (method, address)
            assert "/login/" in stranger["Location"], (method, address, stranger["Location"])
            asked += 1
    assert asked > 100
