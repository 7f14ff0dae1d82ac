"""The editor: checks while one types, publishes, and loses nothing."""

import pytest
from django.test import Client

from apps.accounts.models import Organization, User
from apps.workflows import examples
from apps.workflows.definition.validate import check_source
from apps.workflows.models import Workflow
from apps.workflows.services.publishing import publish_version
from tests.common.roles import actor_of, client_of
from tests.common.workflows import GREETING, make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def workflow(organization: Organization) -> Workflow:
    return Workflow.objects.for_organization(organization).select_related("latest_version").get()


def test_what_one_begins_with_is_valid() -> None:
    for source in (examples.BLANK, *(example.source for example in examples.every())):
        assert check_source(source)[1] == []


def test_a_new_workflow_begins_with_an_example(browser: Client) -> None:
    assert "name: My workflow" in browser.get("/workflows/new").content.decode()
    assert "name: Order digest" in browser.get("/workflows/new?from=order-digest").content.decode()
    assert "name: My workflow" in browser.get("/workflows/new?from=../../secret").content.decode()


def test_problems_come_with_their_lines(browser: Client) -> None:
    source = "name: X\nsteps:\n  - {id: a, type: nothing}\n"
    answer = browser.post("/workflows/new/check", {"source": source}).content.decode()
    assert 'data-problem-line="3"' in answer
    assert 'data-part="graph"' not in answer
    fine = browser.post("/workflows/new/check", {"source": GREETING.replace("\n", "\r\n")}).content.decode()
    assert "Valid: 1 step" in fine
    assert 'data-part="graph"' in fine
    assert 'data-line="5"' in fine


def test_a_problem_behind_the_end_is_told_at_the_last_line(browser: Client) -> None:
    answer = browser.post("/workflows/new/check", {"source": "name: X\nsteps\n"}).content.decode()
    assert 'data-problem-line="2"' in answer


@pytest.mark.parametrize("source", ["", "\0", "a: " + "[" * 500, "&a [*a]", "x" * 300_000, "{{", "- 1\n- 2", "💥: 1"])
def test_nonsense_is_told_not_broken(source: str, browser: Client) -> None:
    response = browser.post("/workflows/new/check", {"source": source})
    assert response.status_code == 200
    assert "problem" in response.content.decode()


def test_what_is_missing_around_a_definition_is_a_hint(browser: Client) -> None:
    source = (
        "name: X\nsteps:\n"
        '  - {id: a, type: http, with: {url: "https://example.com/{{ secrets.TOKEN }}"}}\n'
        "  - {id: b, type: subflow, with: {workflow: other}}\n"
    )
    answer = browser.post("/workflows/new/check", {"source": source}).content.decode()
    assert "The secret “TOKEN” is not stored yet." in answer
    assert "There is no workflow “other” yet." in answer


def test_creating_and_publishing(browser: Client, organization: Organization, developer: User) -> None:
    response = browser.post("/workflows/new", {"source": GREETING.replace("\n", "\r\n"), "message": "first"})
    assert (response.status_code, response["Location"]) == (302, "/workflows/greeting")
    version = workflow(organization).latest_version
    assert version is not None
    assert (version.source, version.message, version.created_by) == (GREETING, "first", developer)
    response = browser.post("/workflows/greeting/edit", {"source": GREETING.replace("Hello", "Hi"), "base": "1"})
    assert response.status_code == 302
    assert str(workflow(organization).latest_version) == "v2"
    same = browser.post(
        "/workflows/greeting/edit", {"source": GREETING.replace("Hello", "Hi"), "base": "2"}, follow=True
    )
    assert "Nothing changed" in same.content.decode()


@pytest.mark.parametrize("source", ["", "name: X", GREETING + "extra: 1\n"])
def test_a_refused_text_stays_in_the_editor(source: str, browser: Client, organization: Organization) -> None:
    response = browser.post("/workflows/new", {"source": source, "message": "kept"})
    assert response.status_code == 422
    page = response.content.decode()
    assert source.strip()[:7] in page
    assert "kept" in page
    assert not Workflow.objects.for_organization(organization).exists()


def test_a_taken_slug_is_told(browser: Client, organization: Organization, owner: User) -> None:
    make_workflow(organization, owner)
    response = browser.post("/workflows/new", {"source": GREETING})
    assert response.status_code == 409
    assert "exists already" in response.content.decode()


def test_whoever_was_overtaken_sees_it_first(browser: Client, organization: Organization, owner: User) -> None:
    found = make_workflow(organization, owner)
    publish_version(found, GREETING.replace("Hello", "Hi"), actor_of(owner, organization))
    mine = GREETING.replace("Hello", "Hey")
    response = browser.post("/workflows/greeting/edit", {"source": mine, "base": "1", "message": "mine"})
    assert response.status_code == 409
    page = response.content.decode()
    assert "Version 2 was published while you were editing" in page
    assert "Hey" in page
    assert 'name="base" value="2"' in page
    assert browser.post("/workflows/greeting/edit", {"source": mine, "base": "2"}).status_code == 302
    assert str(workflow(organization).latest_version) == "v3"


def test_names_of_pages_are_no_slugs(browser: Client, organization: Organization) -> None:
    response = browser.post("/workflows/new", {"source": GREETING.replace("Greeting", "New")})
    assert response["Location"] == "/workflows/new-workflow"


def test_the_editor_creates_what_is_new_and_publishes_what_is_there(
    browser: Client, organization: Organization, owner: User
) -> None:
    make_workflow(organization, owner, GREETING)
    new, old = (browser.get(f"/workflows/{part}").content.decode() for part in ("new", "greeting/edit"))
    assert "creates the workflow." in new
    assert "publishe" not in new.lower()
    assert "<kbd>S</kbd> publishes." in old
