"""The list of workflows and a workflow's overview: what they show, and what the roles may do."""

import pytest
from django.test import Client

from apps.accounts.models import Organization, User
from apps.workflows.engine.worker import work
from apps.workflows.models import Workflow
from tests.common.roles import client_of
from tests.common.workflows import ASKING, GREETING, make_run, make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def test_an_empty_list_offers_examples_to_those_who_may_build(
    browser: Client, viewer: User, organization: Organization
) -> None:
    page = browser.get("/workflows").content.decode()
    assert "/workflows/new?from=order-digest" in page
    looking = client_of(viewer, organization).get("/workflows").content.decode()
    assert "/workflows/new" not in looking


def test_the_list_tells_triggers_last_run_and_success(
    browser: Client, organization: Organization, owner: User, outsider: User
) -> None:
    greeting = make_workflow(organization, owner)
    make_workflow(organization, owner, ASKING)
    make_run(greeting, {"who": "Ada"})
    work()
    page = browser.get("/workflows").content.decode()
    for words in ("Greeting", "mornings", "orders", "Succeeded", "100 %", "v1"):
        assert words in page
    assert "Greeting" not in client_of(outsider).get("/workflows").content.decode()


def test_searching_and_the_archive(browser: Client, organization: Organization, owner: User) -> None:
    make_workflow(organization, owner)
    make_workflow(organization, owner, ASKING)
    assert "Asking" not in browser.get("/workflows?q=greet").content.decode()
    assert "Nothing is called “nobody”" in browser.get("/workflows?q=nobody").content.decode()
    browser.post("/workflows/greeting/archive")
    assert "/workflows/greeting" not in browser.get("/workflows").content.decode()
    assert "/workflows/greeting" in browser.get("/workflows?show=archived").content.decode()
    page = browser.get("/workflows/greeting").content.decode()
    assert "It starts no runs." in page
    assert "/workflows/greeting/run" not in page.replace("/workflows/greeting/runs", "")
    browser.post("/workflows/greeting/restore")
    assert Workflow.objects.for_organization(organization).get(slug="greeting").archived_at is None


def test_the_overview_shows_graph_figures_and_ways_to_start(
    browser: Client, organization: Organization, owner: User
) -> None:
    workflow = make_workflow(organization, owner, ASKING)
    page = browser.get(f"/workflows/{workflow.slug}").content.decode()
    for words in ("<svg", "Ask somebody", "mornings", "0 9 * * *", "levqor run asking", "It has not run yet"):
        assert words in page
    assert browser.get(f"/workflows/{workflow.public_id}").status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("post", "/workflows/greeting/archive"),
        ("post", "/workflows/greeting/restore"),
        ("post", "/workflows/greeting/triggers/switch"),
        ("get", "/workflows/greeting/edit"),
        ("get", "/workflows/greeting/run"),
        ("post", "/workflows/greeting/run"),
        ("post", "/workflows/greeting/versions/1/restore"),
        ("get", "/workflows/new"),
        ("post", "/workflows/new/check"),
        ("get", "/secrets"),
    ],
)
def test_a_viewer_only_looks(method: str, path: str, viewer: User, organization: Organization, owner: User) -> None:
    make_workflow(organization, owner, GREETING)
    assert getattr(client_of(viewer, organization), method)(path).status_code == 403
