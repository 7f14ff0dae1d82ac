"""The inbox, preferences and the way out of mail, through HTTP."""

import re

import pytest
from django.test import Client

from apps.accounts.services.api_keys import Terms, create_key
from apps.integrations.models import MailMessage
from apps.notifications.models import NoticePreference, Notification
from apps.notifications.services.notices import notify
from apps.notifications.unsubscribing import make_token
from tests.common.roles import JsonClient, actor_of, api_client_of, client_of, make_organization

pytestmark = pytest.mark.django_db


def tell(organization, *people, title="A run failed", key="a", **more):
    notify(organization, people, "run_failed", title=title, idempotency_key=key, **more)


def row_of(user):
    return Notification.objects.unscoped().get(user=user)


def test_what_was_told_is_read_one_by_one_or_all_at_once(organization, owner, teammate):
    for number in range(3):
        tell(organization, owner, teammate, title=f"Told {number}", key=str(number), url="/runs")
    browser = client_of(owner, organization)
    page = browser.get("/notifications").content.decode()
    assert page.index("Told 2") < page.index("Told 1") < page.index("Told 0")
    assert '<span class="count">3</span>' in page
    first = Notification.objects.unscoped().filter(user=owner).order_by("pk")[0]
    assert browser.post(f"/notifications/{first.public_id}/read", {"unread": "1"})["Location"] == (
        "/notifications?unread=1"
    )
    unread = browser.get("/notifications?unread=1").content.decode()
    assert "Told 0" not in unread
    assert '<span class="count">2</span>' in unread
    second = Notification.objects.unscoped().filter(user=owner, title="Told 1").get()
    assert browser.get(f"/notifications/{second.public_id}")["Location"] == "/runs"
    assert '<span class="count">1</span>' in browser.get("/notifications").content.decode()
    browser.post("/notifications/read")
    assert "Everything is read" in browser.get("/notifications?unread=1").content.decode()
    assert Notification.objects.unscoped().filter(user=teammate, read_at=None).count() == 3


def test_long_lists_have_pages(organization, owner):
    for number in range(30):
        tell(organization, owner, title=f"Told {number:02}", key=str(number))
    browser = client_of(owner, organization)
    page = browser.get("/notifications")
    assert page.content.decode().count("<li id=") == 25
    following = browser.get("/notifications", {"cursor": page.context["next_cursor"]}).content.decode()
    assert following.count("<li id=") == 5


def test_each_sees_what_is_their_own_of_this_organization(organization, owner, teammate, outsider):
    tell(organization, owner)
    second = make_organization(owner, "Second")
    row = row_of(owner)
    for browser in (client_of(teammate, organization), client_of(outsider), client_of(owner, second)):
        assert browser.get(f"/notifications/{row.public_id}").status_code == 404
        assert browser.post(f"/notifications/{row.public_id}/read").status_code == 404
        assert "A run failed" not in browser.get("/notifications").content.decode()
    row.refresh_from_db()
    assert row.read_at is None


def test_an_empty_inbox_says_what_comes(organization, owner):
    assert "Nothing to tell yet" in client_of(owner, organization).get("/notifications").content.decode()


class TestChoosing:
    def test_ways_are_switched_off_one_by_one(self, organization, owner):
        browser = client_of(owner, organization)
        page = browser.get("/settings/notifications").content.decode()
        assert 'name="mail:run_failed"' in page
        browser.post("/settings/notifications", {"in_app:quota_reached": "on", "mail:run_failed": "on"})
        rows = {row.code: (row.in_app, row.mail) for row in NoticePreference.objects.filter(user=owner)}
        assert rows["quota_reached"] == (True, False)
        assert rows["run_failed"] == (False, True)
        tell(organization, owner)
        assert MailMessage.objects.filter(template="notifications/notice").count() == 1
        assert "A run failed" not in browser.get("/notifications").content.decode()

    def test_what_nobody_chose_is_as_the_type_has_it(self, organization, owner):
        tell(organization, owner)
        row = row_of(owner)
        assert (row.in_app, row.mailed) == (True, True)

    def test_transactional_ones_stay(self, organization, owner):
        browser = client_of(owner, organization)
        assert "Always sent" in browser.get("/settings/notifications").content.decode()
        browser.post("/settings/notifications", {})
        notify(organization, [owner], "api_key_leaked", title="A key leaked", idempotency_key="k")
        mail = MailMessage.objects.get(template="notifications/notice")
        assert "List-Unsubscribe" not in mail.headers
        assert "nsubscribe" not in mail.text
        assert row_of(owner).in_app

    def test_staff_who_act_as_somebody_change_nothing(self, organization, owner, staff):
        tell(organization, owner)
        browser = client_of(staff)
        reason = {"reason": "Ticket 42: cannot find a run", "minutes": 10, "organization": organization.public_id}
        assert browser.post(f"/staff/impersonate/{owner.public_id}", reason).status_code == 302
        row = row_of(owner)
        assert row.title in browser.get("/notifications").content.decode()
        browser.get(f"/notifications/{row.public_id}")
        for address in (f"/notifications/{row.public_id}/read", "/notifications/read", "/settings/notifications"):
            assert browser.post(address).status_code == 403, address
        assert browser.get("/api/v1/notifications").status_code == 200
        for address in (f"/api/v1/notifications/{row.public_id}/read", "/api/v1/notifications/read"):
            assert browser.post(address).status_code == 403, address
        row.refresh_from_db()
        assert row.read_at is None


class TestUnsubscribing:
    @pytest.fixture
    def mail(self, organization, owner):
        tell(organization, owner)
        return MailMessage.objects.get(template="notifications/notice")

    def path(self, mail):
        return re.fullmatch(r"<https?://[^/]+(/.+)>", mail.headers["List-Unsubscribe"])[1]

    def test_a_mail_program_does_it_at_once(self, mail, organization, owner):
        program = Client(enforce_csrf_checks=True)
        assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        answer = program.post(
            self.path(mail), "List-Unsubscribe=One-Click", content_type="application/x-www-form-urlencoded"
        )
        assert answer.status_code == 200
        tell(organization, owner, key="b")
        assert MailMessage.objects.filter(template="notifications/notice").count() == 1
        assert Notification.objects.unscoped().filter(user=owner, in_app=True).count() == 2  # the inbox goes on

    def test_a_person_is_asked_first(self, mail, owner):
        visitor = Client(enforce_csrf_checks=True)
        page = visitor.get(self.path(mail)).content.decode()
        assert "No more mail of the kind “A run failed”?" in page
        assert owner.email not in page
        assert not NoticePreference.objects.exists()
        assert "You get no more mail" in visitor.post(self.path(mail)).content.decode()

    def test_both_parts_of_the_mail_lead_there(self, mail):
        assert self.path(mail) in mail.text
        assert self.path(mail) in mail.html

    @pytest.mark.parametrize(
        "change", [lambda token: token.replace(":", ":x", 1), lambda token: "x" * 600, lambda token: "x"]
    )
    def test_a_wrong_token_learns_nothing(self, mail, owner, change):
        address = f"/notifications/unsubscribe/{change(make_token(owner, 'run_failed'))}"
        pages = {Client().post(address).content, Client().get("/notifications/unsubscribe/other").content}
        assert Client().post(address).status_code == 404
        assert len({re.sub(rb'nonce="[^"]*"', b"", page) for page in pages}) == 1
        assert not NoticePreference.objects.exists()

    def test_one_of_somebody_who_is_gone_is_wrong_too(self, owner):
        address = f"/notifications/unsubscribe/{make_token(owner, 'run_failed')}"
        assert Client().get(address).status_code == 200
        owner.delete()
        assert Client().get(address).status_code == 404

    def test_nobody_gets_out_of_what_is_transactional(self, owner):
        assert Client().post(f"/notifications/unsubscribe/{make_token(owner, 'api_key_leaked')}").status_code == 404


class TestProgram:
    def test_it_lists_and_marks(self, organization, owner):
        tell(organization, owner, body="Why", url="/runs", key="a")
        tell(organization, owner, title="Other", key="b")
        program = api_client_of(owner, organization)
        listed = program.get("/api/v1/notifications", {"limit": 1}).json()
        assert [row["title"] for row in listed["data"]] == ["Other"]
        assert listed["has_more"]
        second = program.get("/api/v1/notifications", {"cursor": listed["next_cursor"]}).json()["data"][0]
        assert (second["type"], second["body"], second["read_at"]) == ("run_failed", "Why", None)
        assert second["url"].endswith("/runs")
        assert program.post(f"/api/v1/notifications/{second['id']}/read").json()["read_at"]
        assert len(program.get("/api/v1/notifications", {"unread": "true"}).json()["data"]) == 1
        assert program.post("/api/v1/notifications/read").json() == {"read": 1}
        assert program.post("/api/v1/notifications/read").json() == {"read": 0}

    def test_what_is_wrong_is_said(self, organization, owner, teammate):
        tell(organization, owner)
        program = api_client_of(teammate, organization)
        assert program.get("/api/v1/notifications", {"unread": "maybe"}).json()["code"] == "invalid_input"
        assert program.post(f"/api/v1/notifications/{row_of(owner).public_id}/read").status_code == 404

    def test_a_key_acts_for_its_maker(self, organization, owner, teammate):
        tell(organization, owner, teammate)
        made = create_key(
            actor_of(owner, organization), organization, "live", Terms("Server", scopes=("notifications:view",))
        )
        program = JsonClient()
        program.credentials(HTTP_AUTHORIZATION=f"Bearer {made.secret}")
        [row] = program.get("/api/v1/notifications").json()["data"]
        assert row["id"] == row_of(owner).public_id


@pytest.mark.parametrize(
    "url",
    ["///example.com/x", "//example.com/x", "/\\example.com/x", "\\/example.com", "/\t/example.com",
     "\x01//example.com", "javascript:alert(1)", "https://example.com/", "runs"],
)  # fmt: skip
def test_an_inbox_leads_nowhere_else(organization, owner, url):
    with pytest.raises(ValueError, match="no path"):
        tell(organization, owner, url=url)
    assert not Notification.objects.unscoped().exists()


def test_nor_does_a_row_that_is_there_already(organization, owner):
    tell(organization, owner, url="/runs?state=failed#last")
    browser, address = client_of(owner, organization), f"/notifications/{row_of(owner).public_id}"
    assert browser.get(address)["Location"] == "/runs?state=failed#last"
    Notification.objects.unscoped().update(url="///example.com/x")
    assert browser.get(address)["Location"] == "/notifications"
