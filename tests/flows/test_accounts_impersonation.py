"""Staff act as a customer, in the pages: banner, limits, end."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from apps.accounts import permissions, selectors
from apps.accounts.models import Impersonation, Organization
from apps.audit.selectors import entries_for, entries_of_user
from apps.core.clock import now
from tests.common.caching import forget_cache
from tests.common.roles import client_of, make_user
from tests.common.workflows import ASKING, GREETING, make_workflow

FORM = {"reason": "Ticket 42: cannot find a run", "minutes": 10}


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


def begin(staff, owner, organization, /, **changes):
    client = client_of(staff)
    data = {**FORM, "organization": organization.public_id, **changes}
    answer = client.post(reverse("impersonation_start", args=[owner.public_id]), data)
    return client, answer


def test_from_the_reason_to_the_end(staff, owner, organization):
    client, answer = begin(staff, owner, organization)
    assert answer.url == reverse("dashboard")
    page = client.get(answer.url)
    assert page.wsgi_request.user == owner
    assert page.wsgi_request.organization == organization
    assert "You are acting as" in page.text
    assert client.get(reverse("members")).status_code == 200
    answer = client.post(reverse("impersonation_stop"))
    assert answer.url == reverse("admin:index")
    assert client.get(reverse("profile")).wsgi_request.user == staff
    recorded = list(entries_for(organization.pk).values_list("code", flat=True))
    assert "accounts.impersonation_started" in recorded
    assert "accounts.impersonation_ended" in recorded


def test_what_is_done_is_recorded_with_both_names(staff, owner, organization):
    client, _answer = begin(staff, owner, organization)
    running = Impersonation.objects.unscoped().get()
    client.post(reverse("impersonation_stop"))
    entry = entries_of_user(owner.public_id).get(code="accounts.impersonation_ended")
    assert running.staff_user == staff
    assert entry.impersonator_id == staff.public_id


FORBIDDEN = (
    ("get", "account_email"),
    ("get", "account_change_password"),
    ("get", "mfa_index"),
    ("get", "mfa_activate_totp"),
    ("get", "usersessions_list"),
    ("get", "account_reauthenticate"),
    ("get", "socialaccount_connections"),
    ("get", "profile"),
    ("get", "security_log"),
    ("get", "tokens"),
    ("post", "tokens"),
    ("get", "device"),
    ("post", "member_invite"),
    ("post", "member_leave"),
    ("post", "organization_settings"),
    ("post", "organization_switch"),
    ("get", "organization_create"),
    ("post", "api_token"),
)


@pytest.mark.parametrize(("method", "name"), FORBIDDEN)
def test_credentials_and_roles_stay_out_of_reach(staff, owner, organization, method, name):
    client, _answer = begin(staff, owner, organization)
    data = {"client_name": "x", "email": "x@example.com", "role": "viewer", "name": "x", "timezone": "UTC"}
    answer = getattr(client, method)(reverse(name), data if method == "post" and name != "api_token" else {})
    assert answer.status_code in (403, 415)
    if answer.status_code == 415:
        answer = client.post(reverse(name), {}, content_type="application/json")
        assert answer.status_code == 403
    assert not selectors.token_families_of(owner).exists()


def test_nothing_outlives_the_help(staff, owner, organization):
    """Signing secrets stay good afterwards; a version or a secret of theirs could send others away."""
    workflow = make_workflow(organization, owner, ASKING)
    webhook = workflow.triggers.get(kind="webhook")
    before = webhook.signing_secret
    client, _answer = begin(staff, owner, organization)
    for address, data in (
        (reverse("trigger_reveal", args=["asking", webhook.public_id]), {}),
        (reverse("trigger_rotate", args=["asking", webhook.public_id]), {}),
        (reverse("api_trigger_secret", args=["asking", webhook.public_id]), {}),
        (reverse("trigger_switch", args=["asking", webhook.public_id]), {}),
        (reverse("workflow_new"), {"source": GREETING}),
        (reverse("workflow_editor", args=["asking"]), {"source": ASKING.replace("Asking", "Other")}),
        (reverse("secret_put"), {"name": "TOKEN", "value": "of-the-staff"}),
        (reverse("secret_delete", args=["TOKEN"]), {}),
    ):
        answer = client.post(address, data)
        assert answer.status_code == 403, address
        assert before not in answer.text
    webhook.refresh_from_db()
    assert (webhook.signing_secret, webhook.enabled) == (before, True)
    assert workflow.versions.count() == 1
    page = client.get(reverse("workflow_triggers", args=["asking"]))
    assert page.status_code == 200
    assert reverse("trigger_reveal", args=["asking", webhook.public_id]) not in page.text
    assert reverse("secret_put") not in client.get(reverse("secrets")).text


@pytest.mark.parametrize("name", ["trigger_reveal", "trigger_rotate", "api_trigger_secret"])
def test_a_signing_secret_is_for_the_person_alone(staff, owner, organization, name, monkeypatch):
    """Also where staff may edit one day."""
    monkeypatch.setattr(permissions, "NEVER_IMPERSONATED", frozenset())
    webhook = make_workflow(organization, owner, ASKING).triggers.get(kind="webhook")
    client, _answer = begin(staff, owner, organization)
    assert client.post(reverse(name, args=["asking", webhook.public_id])).status_code == 403


def test_the_administration_is_ones_own(staff, owner, organization):
    client, _answer = begin(staff, owner, organization)
    assert client.get(reverse("admin:index")).wsgi_request.user == staff


def test_it_runs_out(staff, owner, organization):
    client, _answer = begin(staff, owner, organization)
    with time_machine.travel(now() + timedelta(minutes=10, seconds=1), tick=False):
        page = client.get(reverse("profile"))
        assert page.wsgi_request.user == staff
        assert "ran out" in page.text
        assert "ran out" not in client.get(reverse("profile")).text
    assert Impersonation.objects.unscoped().get().ended_at is not None


def test_it_ends_with_the_customers_membership(staff, viewer, organization):
    client, _answer = begin(staff, viewer, organization)
    viewer.memberships.all().delete()
    assert client.get(reverse("profile")).wsgi_request.user == staff


def test_it_ends_with_the_staff_right(staff, owner, organization):
    client, _answer = begin(staff, owner, organization)
    staff.is_staff = False
    staff.save()
    assert client.get(reverse("profile")).wsgi_request.user == staff


def test_logging_out_ends_both(staff, owner, organization):
    client, _answer = begin(staff, owner, organization)
    assert client.post(reverse("account_logout")).status_code == 302
    assert client.get(reverse("dashboard")).url.startswith(reverse("account_login"))


def test_bad_requests_are_told(staff, owner, organization, outsider):
    for changes in ({"reason": ""}, {"minutes": 61}, {"minutes": "x"}, {"organization": "nonsense"}):
        _client, answer = begin(staff, owner, organization, **changes)
        assert answer.status_code == 422
    foreign = outsider.memberships.get().organization
    assert begin(staff, owner, foreign)[1].status_code == 422
    assert not Impersonation.objects.unscoped().exists()


def test_only_staff_with_the_right_find_the_page(owner, organization, teammate, staff):
    plain = make_user("Plain", is_staff=True)
    for person in (owner, teammate, plain):
        assert begin(person, teammate, organization)[1].status_code == 404
    assert client_of(staff).get(reverse("impersonation_start", args=["nonsense"])).status_code == 404
    assert client_of(staff).get(reverse("impersonation_start", args=[owner.public_id])).status_code == 200
    assert Organization.objects.count() == 1


def test_no_second_one_from_within(staff, owner, teammate, organization):
    client, _answer = begin(staff, owner, organization)
    data = {**FORM, "organization": organization.public_id}
    assert client.post(reverse("impersonation_start", args=[teammate.public_id]), data).status_code == 404


def test_a_stolen_session_key_of_an_impersonation_is_worthless(staff, owner, organization, teammate):
    begin(staff, owner, organization)
    running = Impersonation.objects.unscoped().get()
    client = client_of(teammate)
    session = client.session
    session["impersonation_id"] = str(running.pk)
    session.save()
    assert client.get(reverse("profile")).wsgi_request.user == teammate


def test_stopping_what_never_began(owner, organization):
    assert client_of(owner).post(reverse("impersonation_stop")).url == reverse("dashboard")
