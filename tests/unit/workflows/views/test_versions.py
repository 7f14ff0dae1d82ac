"""Versions: listed, shown, compared, restored."""

import pytest
from django.test import Client

from apps.accounts.models import Organization, User
from apps.workflows.models import Workflow
from apps.workflows.services.publishing import publish_version
from tests.common.roles import actor_of, client_of
from tests.common.workflows import GREETING, make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(developer: User, organization: Organization, owner: User) -> Client:
    workflow = make_workflow(organization, owner, message="the first")
    publish_version(workflow, GREETING.replace("Hello", "Hi"), actor_of(owner, organization), message="shorter")
    return client_of(developer, organization)


def test_the_list_says_who_when_and_why(browser: Client) -> None:
    page = browser.get("/workflows/greeting/versions").content.decode()
    for words in ("v1", "v2", "the first", "shorter", "Olivia Owner", "Live"):
        assert words in page


def test_a_version_shows_its_text_and_what_it_changed(browser: Client) -> None:
    assert "Hello" in browser.get("/workflows/greeting/versions/1").content.decode()
    page = browser.get("/workflows/greeting/versions/2?against=1").content.decode()
    assert 'class="removed"' in page
    assert 'class="added"' in page
    assert browser.get("/workflows/greeting/versions/2?against=99").status_code == 404
    for nonsense in ("0", "x", "-1", "²", "9" * 5000):
        assert browser.get(f"/workflows/greeting/versions/2?against={nonsense}").status_code == 200
    assert browser.get("/workflows/greeting/versions/3").status_code == 404


def test_going_back_publishes_the_old_text_again(browser: Client, organization: Organization) -> None:
    browser.post("/workflows/greeting/versions/1/restore")
    latest = Workflow.objects.for_organization(organization).get().latest_version
    assert latest is not None
    assert (latest.number, latest.source, latest.message) == (3, GREETING, "Version 1 again")
    page = browser.post("/workflows/greeting/versions/3/restore", follow=True).content.decode()
    assert "That is the newest text already." in page
