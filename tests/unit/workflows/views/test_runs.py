"""Runs: started from a form, watched, answered, cancelled, started again."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization, User
from apps.core.clock import now
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, StepRun
from tests.common.roles import client_of
from tests.common.workflows import ASKING, FAILING, LOOP, make_run, make_workflow

pytestmark = pytest.mark.django_db
FRAGMENT = {"X-Fragment": "true"}


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def runs(organization: Organization) -> list[Run]:
    return list(Run.objects.for_organization(organization).order_by("pk"))


def test_a_form_starts_one_run_however_often_it_is_sent(
    browser: Client, organization: Organization, owner: User, developer: User
) -> None:
    make_workflow(organization, owner)
    page = browser.get("/workflows/greeting/run").content.decode()
    assert 'name="input_0"' in page
    sent = {"input_0": "Ada", "token": "abc"}
    first, second = browser.post("/workflows/greeting/run", sent), browser.post("/workflows/greeting/run", sent)
    (run,) = runs(organization)
    assert first["Location"] == second["Location"] == f"/runs/{run.public_id}"
    assert (run.inputs, run.trigger_kind, run.created_by) == ({"who": "Ada"}, "manual", developer)


def test_what_does_not_fit_is_told_beside_the_field(browser: Client, organization: Organization, owner: User) -> None:
    source = "name: Strict\ninputs: {type: object, properties: {code: {type: string, pattern: '^[a-z]+$'}}}\n"
    make_workflow(organization, owner, source + "steps: [{id: a, type: transform, with: {value: 1}}]")
    response = browser.post("/workflows/strict/run", {"input_0": "123"})
    assert response.status_code == 422
    assert 'id="id_input_0_error"' in response.content.decode()
    assert not runs(organization)


def test_an_archived_workflow_starts_nothing(browser: Client, organization: Organization, owner: User) -> None:
    make_workflow(organization, owner)
    browser.post("/workflows/greeting/archive")
    response = browser.post("/workflows/greeting/run", {"input_0": "Ada"})
    assert response.status_code == 404
    assert not runs(organization)


def test_the_page_follows_the_run(browser: Client, organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    page = browser.get(f"/runs/{run.public_id}")
    assert "Queued" in page.content.decode()
    stamp = page.context["stamp"]
    live = f"/runs/{run.public_id}/live?after="
    assert browser.get(live + stamp).status_code == 204
    work()
    changed = browser.get(live + stamp)
    assert changed.status_code == 200
    text = changed.content.decode()
    assert "Waiting for approval" in text
    assert "Ship it?" in text
    assert "data-finished" not in text
    assert browser.get(live + changed.context["stamp"]).status_code == 204


def test_only_the_parts_that_show_it_read_what_went_in_and_came_out(
    browser: Client, organization: Organization, owner: User
) -> None:
    """They may be megabytes, and an open page asks once a second."""
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    page, step = f"/runs/{run.public_id}", run.steps.get(path="ask")

    def reads_bodies(address: str, **headers: str) -> bool:
        with CaptureQueriesContext(connection) as found:
            assert browser.get(address, headers=headers).status_code in (200, 204)
        columns = ("inputs", "output", "trigger_data")
        return any(f'"workflows_run"."{name}"' in one["sql"] for one in found for name in columns)

    stamp = browser.get(page).context["stamp"]
    assert reads_bodies(page)
    assert reads_bodies(f"{page}/live?after=0")
    assert not reads_bodies(f"{page}/live?after={stamp}")
    assert not reads_bodies(f"{page}/steps/{step.public_id}", **FRAGMENT)
    assert not reads_bodies("/runs")
    assert not reads_bodies("/approvals")


def test_a_failed_run_says_what_to_do(browser: Client, organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, FAILING))
    work()
    page = browser.get(f"/runs/{run.public_id}").content.decode()
    for words in ("“Go wrong” failed", "What to do:", "JMESPath", "not reached", "data-finished", "Run again"):
        assert words in page


def test_what_went_in_and_out_of_a_step(browser: Client, organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner), {"who": "<b>Ada</b>"})
    work()
    step = run.steps.get()
    address = f"/runs/{run.public_id}/steps/{step.public_id}"
    part = browser.get(address, headers=FRAGMENT).content.decode()
    assert "<html" not in part
    assert "Hello &lt;b&gt;Ada&lt;/b&gt;" in part
    assert "<html" in browser.get(address).content.decode()


def test_items_of_a_loop_come_in_pages(browser: Client, organization: Organization, owner: User) -> None:
    rows = [{"name": None if number % 2 else "x"} for number in range(60)]
    run = make_run(make_workflow(organization, owner, LOOP), {"rows": rows})
    work()
    page = browser.get(f"/runs/{run.public_id}").content.decode()
    assert "60 of 60 items" in page
    assert "each[0]" not in page, "items are loaded when they are opened"
    address = f"/runs/{run.public_id}/items?step=each"
    part = browser.get(f"{address}&page=2", headers=FRAGMENT).content.decode()
    assert "Page 2 of 3" in part
    assert "Item 26" in part
    assert "Item 25<" not in part
    assert "30 failed items" in browser.get(f"{address}&failed=1", headers=FRAGMENT).content.decode()
    for nonsense in ("page=x", "page=-1", "page=99999999999999999999", "page=²"):
        assert browser.get(f"{address}&{nonsense}").status_code == 200
    assert browser.get(f"/runs/{run.public_id}/items?step=nothing").status_code == 404


def test_answering_an_approval(browser: Client, organization: Organization, owner: User, viewer: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    step = StepRun.objects.for_organization(organization).get(path="ask")
    address = f"/runs/{run.public_id}/steps/{step.public_id}/decide"
    refused = browser.post(address, {"decision": "approve"}, follow=True).content.decode()
    assert "Only these roles may decide here" in refused
    deciding = client_of(viewer, organization)
    assert "Choose to approve" in deciding.post(address, {"decision": "maybe"}, follow=True).content.decode()
    away = deciding.post(address, {"decision": "approve", "next": "https://evil.example/"})
    assert away["Location"] == f"/runs/{run.public_id}"
    again = deciding.post(address, {"decision": "reject", "next": "/approvals"}, follow=True).content.decode()
    assert "waits for no approval any more" in again
    work()
    step.refresh_from_db()
    assert step.output == {"approved": True, "by": viewer.email, "comment": ""}


def test_open_approvals_are_listed_and_counted(
    browser: Client, organization: Organization, owner: User, viewer: User
) -> None:
    assert "Nothing waits for an answer" in browser.get("/approvals").content.decode()
    make_run(make_workflow(organization, owner, ASKING))
    work()
    mine = client_of(viewer, organization).get("/approvals").content.decode()
    assert 'value="approve"' in mine
    assert '<span class="count">1</span>' in mine
    others = browser.get("/approvals").content.decode()
    assert "Ship it?" in others
    assert 'value="approve"' not in others
    assert "Only these roles may answer: owner, viewer." in others
    assert '<span class="count">1</span>' not in others


def test_cancelling_and_starting_again(browser: Client, organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    browser.post(f"/runs/{run.public_id}/cancel")
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert "already ended" in browser.post(f"/runs/{run.public_id}/cancel", follow=True).content.decode()
    token = {"token": "one"}
    first = browser.post(f"/runs/{run.public_id}/again", token)
    assert browser.post(f"/runs/{run.public_id}/again", token)["Location"] == first["Location"]
    assert len(runs(organization)) == 2


def test_a_subflow_and_its_parent_lead_to_each_other(browser: Client, organization: Organization, owner: User) -> None:
    make_workflow(organization, owner)
    source = "name: Parent\nsteps: [{id: call, type: subflow, with: {workflow: greeting, inputs: {who: Ada}}}]"
    parent = make_run(make_workflow(organization, owner, source))
    work()
    (child,) = [run for run in runs(organization) if run.pk != parent.pk]
    assert f"/runs/{child.public_id}" in browser.get(f"/runs/{parent.public_id}").content.decode()
    assert f"/runs/{parent.public_id}" in browser.get(f"/runs/{child.public_id}").content.decode()


def test_the_list_is_filtered_and_paged(browser: Client, organization: Organization, owner: User) -> None:
    assert "Nothing has run yet" in browser.get("/runs").content.decode()
    greeting, failing = make_workflow(organization, owner), make_workflow(organization, owner, FAILING)
    make_run(failing)
    for _number in range(30):
        make_run(greeting, {"who": "Ada"})
    work()
    page = browser.get("/runs")
    assert len(page.context["runs"]) == 25
    following = browser.get(f"/runs?cursor={page.context['next_cursor']}")
    assert len(following.context["runs"]) == 6
    assert [run.workflow.slug for run in browser.get("/runs?workflow=failing").context["runs"]] == ["failing"]
    assert len(browser.get("/runs?state=failed").context["runs"]) == 1
    assert "No run fits" in browser.get("/runs?trigger=cron").content.decode()
    assert browser.get("/runs?workflow=unknown").status_code == 404
    assert len(browser.get("/workflows/failing/runs").context["runs"]) == 1
    assert browser.get("/runs?cursor=nonsense").status_code == 422


def test_a_very_long_value_is_shown_without_colours(browser: Client, organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, LOOP), {"rows": ["x" * 30_000]})
    started = now()
    assert "x" * 30_000 in browser.get(f"/runs/{run.public_id}").content.decode()
    assert (now() - started).total_seconds() < 5
