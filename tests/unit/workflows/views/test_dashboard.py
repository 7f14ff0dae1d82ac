"""What workflows show on the overview: first steps, then figures."""

import datetime as dt

import pytest
from django.test import Client, RequestFactory

from apps.accounts.models import Organization, User
from apps.core.clock import now
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.views import dashboard
from tests.common.roles import client_of
from tests.common.workflows import ASKING, FAILING, make_run, make_workflow

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def test_a_new_organization_is_welcomed_with_the_next_thing_to_do(
    browser: Client, organization: Organization, owner: User, viewer: User
) -> None:
    page = browser.get("/dashboard").content.decode()
    assert "Welcome, Dana" in page
    assert "/workflows/new?from=order-digest" in page
    assert "Runs per day" not in page
    assert "Welcome" not in client_of(viewer, organization).get("/dashboard").content.decode()
    make_workflow(organization, owner)
    assert 'href="/workflows/greeting/run"' in browser.get("/dashboard").content.decode()


def test_the_first_steps_can_be_hidden(browser: Client) -> None:
    browser.post("/getting-started/hide")
    assert "Welcome" not in browser.get("/dashboard").content.decode()


def test_figures_appear_with_the_first_run(browser: Client, organization: Organization, owner: User) -> None:
    make_run(make_workflow(organization, owner), {"who": "Ada"})
    make_run(make_workflow(organization, owner, FAILING))
    make_run(make_workflow(organization, owner, ASKING))
    work()
    page = browser.get("/dashboard").content.decode()
    for words in ("50 %", "Runs per day", "Recent runs", "Ship it?", "none for you to answer", "Open approvals"):
        assert words in page


def test_other_organizations_do_not_count(outsider: User, organization: Organization, owner: User) -> None:
    make_run(make_workflow(organization, owner), {"who": "Ada"})
    assert "Recent runs" not in client_of(outsider).get("/dashboard").content.decode()


@pytest.mark.parametrize(
    ("current", "before", "note", "tone"),
    [
        (0.99, 0.95, "▲ 4.0 points", "up"),
        (0.9, 0.95, "▼ 5.0 points", "down"),
        (0.9, 0.9, "as in the 30 days before", "muted"),
        (0.9, None, "of those that succeeded or failed", "muted"),
        (None, 0.9, "no run has succeeded or failed yet", "muted"),
    ],
)
def test_success_is_compared_in_points(current: float | None, before: float | None, note: str, tone: str) -> None:
    assert dashboard._points(current, before) == {"note": note, "tone": tone}


@pytest.mark.parametrize(
    ("current", "before", "note", "tone"),
    [
        (2.0, 1.0, "▲ 100 % slower", "down"),
        (1.0, 2.0, "▼ 50 % faster", "up"),
        (1.0, None, "of runs that succeeded", "muted"),
    ],
)
def test_slower_is_worse(current: float, before: float | None, note: str, tone: str) -> None:
    assert dashboard._slower(current, before) == {"note": note, "tone": tone}


def test_the_period_before_is_the_thirty_days_before(
    organization: Organization, owner: User, rf: RequestFactory
) -> None:
    workflow = make_workflow(organization, owner)
    for days, count in ((1, 3), (40, 2), (70, 5)):
        for _number in range(count):
            Run.objects.create(
                organization=organization,
                workflow=workflow,
                version=workflow.latest_version,
                trigger_kind="manual",
                state="succeeded",
                created_at=now() - dt.timedelta(days=days),
            )
    page = client_of(owner, organization).get("/dashboard").content.decode()
    assert "▲ 50 % against the 30 days before" in page
