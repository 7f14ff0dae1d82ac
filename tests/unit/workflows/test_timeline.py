"""A run's timeline: the definition's steps with what became of them, loops counted and in pages."""

from typing import Literal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization, User
from apps.core.errors import NotFoundError
from apps.workflows import selectors, timeline
from apps.workflows.engine.worker import work
from apps.workflows.models import Run, StepRun
from apps.workflows.services.approving import decide
from apps.workflows.services.cancelling import cancel_run
from tests.common.roles import actor_of, client_of
from tests.common.workflows import ASKING, FAILING, LOOP, make_run, make_workflow

pytestmark = pytest.mark.django_db


def loaded(run: Run) -> Run:
    return selectors.get_run(run.organization, run.public_id)


def test_what_has_not_begun_is_there_too(organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    before = timeline.of_run(loaded(run), actor_of(owner, organization))
    assert [(line.path, line.state) for line in before.lines] == [("route", "pending"), ("after", "pending")]
    work()
    after = timeline.of_run(loaded(run), actor_of(owner, organization))
    (route, last) = after.lines
    assert (route.way, route.inside[0].path, route.inside[0].title) == ("always", "ask", "Ask somebody")
    assert (last.state, after.progress, after.total) == ("pending", 0, 3)
    assert after.waiting is route.inside[0]


@pytest.mark.parametrize(("decision", "approved"), [("approve", True), ("reject", False)])
def test_an_answered_approval_says_who_answered(
    decision: Literal["approve", "reject"], approved: bool, organization: Organization, owner: User
) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    actor = actor_of(owner, organization)
    (line,) = timeline.of_run(loaded(run), actor).open_approvals
    decide(StepRun.objects.for_organization(organization).get(path=line.path), actor, decision, "as agreed")
    work()
    found = timeline.of_run(loaded(run), actor)
    told = found.lines[0].inside[0].decision
    assert told is not None
    assert (told.approved, told.by, told.comment) == (approved, owner.email, "as agreed")
    assert (found.progress, found.total) == ((3, 3) if approved else (2, 3))
    page = client_of(owner, organization).get(f"/runs/{run.public_id}").content.decode()
    assert f"{'approved' if approved else 'refused'} by {owner.email}" in page
    assert "as agreed" in page


def test_what_a_cancelled_run_did_not_do_is_not_counted(organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    cancel_run(run)
    work()
    found = timeline.of_run(loaded(run), actor_of(owner, organization))
    assert (found.progress, found.total) == (0, 3)
    assert found.lines[0].inside[0].decision is None


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("viewer", True), ("teammate", False)])
def test_only_the_named_roles_may_decide(
    role: str, may: bool, organization: Organization, owner: User, request: pytest.FixtureRequest
) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    (line,) = timeline.of_run(loaded(run), actor_of(request.getfixturevalue(role), organization)).open_approvals
    assert (line.question, line.may_decide, line.deciders) == ("Ship it?", may, ("owner", "viewer"))


def test_a_failure_names_its_step_and_leaves_the_rest_unreached(organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, FAILING))
    work()
    found = timeline.of_run(loaded(run), actor_of(owner, organization))
    assert found.failed is found.lines[0]
    assert found.lines[1].row is None


def test_loops_are_counted_and_come_in_pages(organization: Organization, owner: User) -> None:
    rows = [{"name": None if number % 3 == 0 else f"n{number}"} for number in range(60)]
    run = make_run(make_workflow(organization, owner, LOOP), {"rows": rows})
    work()
    actor = actor_of(owner, organization)
    found = loaded(run)
    with CaptureQueriesContext(connection) as queries:
        shown = timeline.of_run(found, actor)
    (line,) = shown.lines
    assert len(queries) == 3
    assert (shown.begun, shown.calls) == (121, 0)
    assert line.loop == timeline.Loop(total=60, done=40, failed=20)
    assert line.loop.ended == 60
    page = timeline.items_of(loaded(run), actor, "each", 3)
    assert (page.page, page.pages, [item.index for item in page.items]) == (3, 3, list(range(50, 60)))
    assert [item.state for item in page.items[:2]] == ["succeeded", "failed"]
    assert page.items[0].preview == '{"name": "n50"}'
    assert [(line.path, line.state) for line in page.items[1].lines] == [
        ("each[51].first", "succeeded"),
        ("each[51].second", "failed"),
    ]
    failed = timeline.items_of(loaded(run), actor, "each", 1, failed_only=True)
    assert (failed.total, [item.index for item in failed.items][:3]) == (20, [0, 3, 6])
    assert timeline.items_of(loaded(run), actor, "each", 99).page == 3


def test_a_loop_that_goes_on_is_counted_from_its_rows(organization: Organization, owner: User) -> None:
    rows = [{"name": "a"}, {"name": None}, {"name": "c"}, {"name": "d"}]
    run = make_run(make_workflow(organization, owner, LOOP), {"rows": rows})
    work()
    steps = StepRun.objects.for_organization(organization)
    Run.objects.for_organization(organization).update(state="running", finished_at=None)
    steps.filter(path="each").update(state="running", output=None, finished_at=None)
    steps.filter(path__startswith="each[3]").delete()
    steps.filter(path="each[2].second").update(state="running", finished_at=None)
    (line,) = timeline.of_run(loaded(run), actor_of(owner, organization)).lines
    assert line.loop == timeline.Loop(total=4, done=1, failed=1)
    page = timeline.items_of(loaded(run), actor_of(owner, organization), "each", 1)
    assert [item.state for item in page.items] == ["succeeded", "failed", "running", "pending"]


def test_each_attempt_at_a_call_outside_costs(organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, ASKING))
    work()
    moved = {"run": run, "organization": organization, "type": "http", "started_at": run.created_at}
    StepRun.objects.bulk_create(
        [
            StepRun(path="a", state=StepRun.State.SUCCEEDED, attempt=3, **moved),
            StepRun(path="b", state=StepRun.State.FAILED, **moved),
            StepRun(path="c", state=StepRun.State.SKIPPED, **moved),
        ]
    )
    before = StepRun.objects.for_organization(organization).exclude(type="http").count()
    shown = timeline.of_run(loaded(run), actor_of(owner, organization))
    assert (shown.begun, shown.calls) == (before + 2, 4)


def test_a_path_that_is_no_loop_is_not_there(organization: Organization, owner: User) -> None:
    run = make_run(make_workflow(organization, owner, FAILING))
    work()
    for path in ("wrong", "each", "", "each[0].first"):
        with pytest.raises(NotFoundError):
            timeline.items_of(loaded(run), actor_of(owner, organization), path, 1)
