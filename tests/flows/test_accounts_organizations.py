"""Members, invitations and switching, through the pages, as each role."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import selectors
from apps.accounts.models import Invitation, Membership, Organization, Role, User
from apps.accounts.services import members
from apps.accounts.views.dashboard import cards_for
from apps.core.kinds import DashboardCard
from apps.core.registry import contributed
from apps.integrations.models import MailMessage
from tests.common.caching import forget_cache
from tests.common.roles import PASSWORD, client_of, make_member, make_organization, make_user


@pytest.fixture(autouse=True)
def _fresh_limits(realm):
    forget_cache()


def invitation_link(address):
    """The path in the latest invitation to an address."""
    mail = MailMessage.objects.filter(to=address, template="accounts/invitation").latest("due_at", "pk")
    return re.search(r"(/invitations/[\w-]+)", mail.text).group(1)


def place_of(user, organization):
    return selectors.membership_in(user, organization.pk)


def test_invited_signed_up_and_in(owner, organization):
    host = client_of(owner)
    assert host.post(reverse("member_invite"), {"email": "new@example.com", "role": "developer"}).status_code == 302
    link = invitation_link("new@example.com")
    guest = Client()
    page = guest.get(link)
    assert organization.name in page.text
    assert "new@example.com" not in page.text
    guest.post(reverse("account_signup"), {"name": "New", "email": "new@example.com", "password1": PASSWORD})
    mail = MailMessage.objects.get(template="accounts/email_confirmation_signup")
    answer = guest.post(re.search(r"(/accounts/confirm-email/\S+)", mail.text).group(1))
    assert answer.url == link
    answer = guest.post(link)
    assert answer.url == reverse("dashboard")
    user = User.objects.get(email="new@example.com")
    assert [place.organization for place in selectors.memberships_of(user)] == [organization]
    assert place_of(user, organization).role == Role.DEVELOPER
    used = Client().get(link)
    assert used.status_code == 409
    assert "accepted already" in used.text


def test_an_invitation_is_kept_for_who_confirms_in_another_browser(owner, organization):
    client_of(owner).post(reverse("member_invite"), {"email": "new@example.com", "role": "viewer"})
    guest, elsewhere = Client(), Client()
    guest.get(invitation_link("new@example.com"))
    guest.post(reverse("account_signup"), {"name": "New", "email": "new@example.com", "password1": PASSWORD})
    mail = MailMessage.objects.get(template="accounts/email_confirmation_signup")
    elsewhere.post(re.search(r"(/accounts/confirm-email/\S+)", mail.text).group(1))
    elsewhere.post(reverse("account_login"), {"login": "new@example.com", "password": PASSWORD})
    answer = elsewhere.get(reverse("dashboard"))
    assert answer.url == reverse("organization_create")
    page = elsewhere.get(answer.url)
    assert organization.name in page.text
    offer = Invitation.objects.for_organization(organization).get()
    assert elsewhere.post(reverse("invitation_accept", args=[offer.public_id])).url == reverse("dashboard")
    assert elsewhere.get(reverse("dashboard")).status_code == 200


def test_an_invitation_of_somebody_else(owner, organization, outsider):
    client_of(owner).post(reverse("member_invite"), {"email": "new@example.com", "role": "viewer"})
    link = invitation_link("new@example.com")
    stranger = client_of(outsider)
    page = stranger.get(link)
    assert "logged in as" in page.text
    assert stranger.post(link).status_code == 403
    offer = Invitation.objects.for_organization(organization).get()
    assert stranger.post(reverse("invitation_accept", args=[offer.public_id])).status_code == 404
    assert place_of(outsider, organization) is None


def test_a_wrong_link(client, owner, organization):
    assert client.get(reverse("invitation", args=["nonsense"])).status_code == 404
    assert client_of(owner).get(reverse("invitation", args=["nonsense"])).status_code == 404


def test_bad_invitations_are_told_in_the_page(owner, organization, viewer):
    client = client_of(owner)
    for data in ({"email": "nonsense", "role": "viewer"}, {"email": "a@example.com", "role": "emperor"}, {}):
        assert client.post(reverse("member_invite"), data).status_code == 422
    page = client.post(reverse("member_invite"), {"email": viewer.email, "role": "viewer"})
    assert page.status_code == 422
    assert "already belongs" in page.text


def test_invitations_are_sent_again_and_withdrawn(owner, organization):
    client = client_of(owner)
    client.post(reverse("member_invite"), {"email": "new@example.com", "role": "viewer"})
    first = Invitation.objects.for_organization(organization).get()
    assert "new@example.com" in client.get(reverse("members")).text
    client.post(reverse("invitation_resend", args=[first.public_id]))
    again = selectors.open_invitations(organization).get()
    assert again.pk != first.pk
    client.post(reverse("invitation_revoke", args=[again.public_id]))
    assert not selectors.open_invitations(organization).exists()
    page = client.post(reverse("invitation_revoke", args=[again.public_id]), follow=True)
    assert "withdrawn already" in page.text


def test_roles_are_changed_in_the_page(owner, organization, viewer):
    client = client_of(owner)
    membership = place_of(viewer, organization)
    answer = client.post(reverse("member_role", args=[membership.public_id]), {"role": "admin"}, follow=True)
    assert "is now Admin" in answer.text
    assert place_of(viewer, organization).role == Role.ADMIN
    client.post(reverse("member_role", args=[membership.public_id]), {"role": "emperor"})
    assert place_of(viewer, organization).role == Role.ADMIN


def test_the_last_owner_is_told_to_stay(owner, organization):
    page = client_of(owner).post(reverse("member_leave"), follow=True)
    assert "needs an owner" in page.text
    assert place_of(owner, organization) is not None


def test_removed_members_are_out_at_once(owner, organization, viewer):
    guest = client_of(viewer)
    assert guest.get(reverse("dashboard")).status_code == 200
    client_of(owner).post(reverse("member_remove", args=[place_of(viewer, organization).public_id]))
    assert guest.get(reverse("dashboard")).url == reverse("organization_create")


def test_leaving_leads_to_the_next_organization(viewer, organization):
    own = make_organization(viewer, "Own")
    client = client_of(viewer, organization)
    assert client.post(reverse("member_leave")).url == reverse("dashboard")
    assert client.get(reverse("dashboard")).wsgi_request.organization == own


MANAGER_POSTS = ("member_invite", "member_role", "member_remove", "invitation_revoke", "invitation_resend")


@pytest.mark.parametrize("role", ["developer", "billing", "viewer"])
@pytest.mark.parametrize("name", MANAGER_POSTS)
def test_lesser_roles_change_no_members(owner, organization, role, name):
    client_of(owner).post(reverse("member_invite"), {"email": "new@example.com", "role": "viewer"})
    person = make_member(organization, role)
    args = {
        "member_invite": [],
        "member_role": [place_of(owner, organization).public_id],
        "member_remove": [place_of(owner, organization).public_id],
    }.get(name, [selectors.open_invitations(organization).get().public_id])
    answer = client_of(person).post(reverse(name, args=args), {"role": "viewer", "email": "x@example.com"})
    assert answer.status_code == 403


@pytest.mark.parametrize("role", ["owner", "admin", "developer", "billing", "viewer"])
def test_everybody_sees_members_only_managers_see_controls(organization, role):
    page = client_of(make_member(organization, role)).get(reverse("members"))
    assert page.status_code == 200
    assert ("Send invitation" in page.text) is (role in ("owner", "admin"))


def test_what_belongs_to_others_is_not_there(owner, organization, viewer, outsider):
    client_of(owner).post(reverse("member_invite"), {"email": "new@example.com", "role": "viewer"})
    membership = place_of(viewer, organization).public_id
    offer = selectors.open_invitations(organization).get().public_id
    stranger = client_of(outsider)
    for name, arg in (
        ("member_role", membership),
        ("member_remove", membership),
        ("invitation_revoke", offer),
        ("invitation_resend", offer),
        ("member_role", "nonsense"),
        ("invitation_revoke", "wf_01m7vv2xh0e14avfxr5vk977ya"),
    ):
        assert stranger.post(reverse(name, args=[arg]), {"role": "viewer"}).status_code == 404
    assert viewer.email not in stranger.get(reverse("members")).text


def test_switching(owner, organization, outsider):
    other = make_organization(owner, "Second")
    client = client_of(owner, organization)
    page = client.get(reverse("dashboard"))
    assert page.wsgi_request.organization == organization
    assert "Second" in page.text
    client.post(reverse("organization_switch"), {"organization": other.public_id})
    assert client.get(reverse("dashboard")).wsgi_request.organization == other
    foreign = outsider.memberships.get().organization
    for wanted in (foreign.public_id, "nonsense", ""):
        assert client.post(reverse("organization_switch"), {"organization": wanted}).status_code == 404
    assert client.get(reverse("organization_switch"))["Location"] == reverse("dashboard")


def test_switching_leads_back_only_to_our_own_pages(owner, organization):
    client = client_of(owner)
    data = {"organization": organization.public_id, "next": reverse("members")}
    assert client.post(reverse("organization_switch"), data).url == reverse("members")
    data["next"] = "https://evil.example/"
    assert client.post(reverse("organization_switch"), data).url == reverse("dashboard")


def test_a_link_may_name_the_organization(owner, organization, outsider):
    other = make_organization(owner, "Second")
    client = client_of(owner, organization)
    address = reverse("members") + f"?organization={other.public_id}"
    page = client.get(address)
    assert "Switch to Second" in page.text
    assert owner.email not in page.text, "the page itself is not shown yet"
    assert client.get(reverse("members")).wsgi_request.organization == organization, "asking changes nothing"
    back = client.post(reverse("organization_switch"), {"organization": other.public_id, "next": address})
    assert back.url == reverse("members"), "the session knows it now"
    page = client.get(address)
    assert (page.wsgi_request.organization, "Switch to" in page.text) == (other, False)
    assert client.get(reverse("members")).wsgi_request.organization == other
    foreign = outsider.memberships.get().organization
    assert client.get(reverse("members"), {"organization": foreign.public_id}).status_code == 404
    assert client.get(reverse("members"), {"organization": "nonsense"}).status_code == 404


def test_a_link_may_say_its_short_name(owner, organization, outsider):
    other = make_organization(owner, "Second")
    client = client_of(owner, organization)
    address = reverse("members") + f"?a=1&organization={other.slug}&b="
    assert "Switch to Second" in client.get(address).text
    back = client.post(reverse("organization_switch"), {"organization": other.slug, "next": address})
    assert back.url == reverse("members") + "?a=1&b="
    assert client.get(reverse("members")).wsgi_request.organization == other
    foreign = outsider.memberships.get().organization
    assert client.get(reverse("members"), {"organization": foreign.slug}).status_code == 404
    for wanted in (foreign.slug, "a\0b"):
        assert client.post(reverse("organization_switch"), {"organization": wanted}).status_code == 404


def test_a_link_to_the_current_organization_asks_nothing(owner, organization, developer):
    for client in (client_of(owner, organization), client_of(developer)):
        page = client.get(reverse("members"), {"organization": organization.public_id})
        assert (page.wsgi_request.organization, "Switch to" in page.text) == (organization, False)


def test_a_request_that_names_its_organization_counts_there_and_only_once(owner, organization):
    other = make_organization(owner, "Second")
    client = client_of(owner, organization)
    named = f"?organization={other.public_id}"
    assert client.get(f"/api/v1/me{named}").wsgi_request.organization == other
    client.post(f"/settings/organization{named}", {"name": "Renamed", "timezone": "UTC"})
    other.refresh_from_db()
    assert other.name == "Renamed"
    assert client.get(reverse("members")).wsgi_request.organization == organization
    strict = client_of(owner, organization, enforce_csrf_checks=True)
    data = {"organization": other.public_id}
    assert strict.post(reverse("organization_switch") + named, data).status_code == 403
    assert strict.get(reverse("members")).wsgi_request.organization == organization


def test_a_further_organization(owner, organization):
    client = client_of(owner)
    assert client.post(reverse("organization_create"), {"name": "Second"}).url == reverse("dashboard")
    assert client.get(reverse("dashboard")).wsgi_request.organization.name == "Second"
    assert client.post(reverse("organization_create"), {"name": " "}).status_code == 422
    assert client.post(reverse("organization_create"), {"name": "https://evil.example"}).status_code == 422


def test_organization_settings(owner, organization, viewer):
    client, name = client_of(owner), reverse("organization_settings")
    assert client.post(name, {"name": "Acme Ltd.", "timezone": "Europe/Berlin"}).status_code == 302
    stored = Organization.objects.get(pk=organization.pk)
    assert (stored.name, stored.timezone) == ("Acme Ltd.", "Europe/Berlin")
    assert client.post(name, {"name": "Acme", "timezone": "Mars/Base"}).status_code == 422
    guest = client_of(viewer)
    assert "Acme Ltd." in guest.get(name).text
    assert guest.post(name, {"name": "Mine", "timezone": "UTC"}).status_code == 403


def test_a_person_without_an_organization_is_led_to_make_one(realm):
    client = client_of(make_user())
    for name in ("dashboard", "members", "organization_settings"):
        assert client.get(reverse(name)).url == reverse("organization_create")
    for name in ("profile", "security_log", "tokens", "usersessions_list", "organization_create", "mfa_index"):
        assert client.get(reverse(name)).status_code == 200


PAGES = (
    "dashboard",
    "organization_create",
    "organization_settings",
    "members",
    "profile",
    "security_log",
    "tokens",
    "device",
    "account_email",
    "account_change_password",
    "mfa_index",
    "usersessions_list",
)


@pytest.mark.parametrize("name", PAGES)
def test_strangers_are_led_to_the_login(client, realm, name):
    answer = client.get(reverse(name))
    assert answer.status_code == 302
    assert answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", PAGES)
def test_every_page_answers_a_member(viewer, name):
    assert client_of(viewer).get(reverse(name)).status_code == 200


def test_the_member_list_costs_the_same_for_many(owner, organization, django_assert_num_queries):
    client = client_of(owner)
    client.get(reverse("members"))
    # session, person, membership, members, invitations, switcher; and whatever other rooms count in the side bar
    with CaptureQueriesContext(connection) as few:
        client.get(reverse("members"))
    assert 6 <= len(few) <= 8
    for number in range(30):
        make_member(organization, Role.VIEWER)
        Invitation.objects.create(
            organization=organization,
            email=f"guest{number}@example.com",
            role=Role.VIEWER,
            token_hash=f"{number:064}",
            invited_by=owner,
            expires_at=organization.created_at,
        )
    with django_assert_num_queries(len(few)):
        client.get(reverse("members"))


def test_the_overview_shows_the_cards_that_a_member_may_see(owner, viewer, organization):
    def card(name, permission="", context=None, area="main"):
        return DashboardCard(
            name, "accounts/_card_for_tests.html", lambda request: context, area=area, permission=permission
        )

    shown = {"text": "x"}
    with contributed(
        card("open", context=shown),
        card("managers", "members.manage", shown, "side"),
        card("empty", context=None),
    ):
        request = client_of(viewer).get(reverse("profile")).wsgi_request

        assert [item.name for item in cards_for(request)["main"] if item.name in ("open", "empty")] == ["open"]
        assert not [item for item in cards_for(request)["side"] if item.name == "managers"]
        request = client_of(owner).get(reverse("profile")).wsgi_request
        assert [item.name for item in cards_for(request)["side"] if item.name == "managers"] == ["managers"]


def test_membership_is_read_at_each_request(viewer, organization):
    client = client_of(viewer)
    assert client.get(reverse("members")).status_code == 200
    Membership.objects.for_organization(organization).filter(user=viewer).update(role=Role.ADMIN)
    assert "Send invitation" in client.get(reverse("members")).text
    members.leave(viewer, organization)
    assert client.get(reverse("members")).status_code == 302
