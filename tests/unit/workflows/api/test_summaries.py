"""Lists and events stay small, however large what went into a run and came out of it."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.workflows.models import Run, StepRun
from tests.common.roles import api_client_of
from tests.common.workflows import make_run, make_workflow

pytestmark = pytest.mark.django_db

LARGE = "x" * 200_000
ERROR = {"code": "http_500", "message": "It broke", "step": "say", "details": {"body": LARGE}}


@pytest.fixture
def api(organization, developer):
    return api_client_of(developer, organization)


@pytest.fixture
def run(organization, developer):
    """A run and a step as large as they come."""
    made = make_run(make_workflow(organization, developer), {"who": "Ada"})
    Run.objects.unscoped().filter(pk=made.pk).update(
        inputs={"who": LARGE}, output=LARGE, trigger_data={"body": LARGE}, error=ERROR, state="failed", revision=2
    )
    StepRun.objects.create(
        organization=organization,
        run=made,
        path="say",
        type="transform",
        state="failed",
        revision=1,
        input={"message": LARGE, "roles": ["owner"]},
        output={"body": LARGE},
        error=ERROR,
        attempts=[{"attempt": 1, "error": ERROR}],
    )
    return made


def told(error):
    return {name: value for name, value in error.items() if name != "details"}


@pytest.mark.parametrize("place", ["/runs", "/runs/{run}/steps", "/runs/{run}/events"])
def test_what_can_be_large_is_neither_told_nor_loaded(api, run, place):
    with CaptureQueriesContext(connection) as queries:
        answer = api.get("/api/v1" + place.format(run=run.public_id))
    assert answer.status_code == 200
    assert len(answer.content) < 3_000
    rows = answer.json().get("data") or [event["data"] for event in answer.json()["events"]]
    assert rows
    for row in rows:
        assert row["error"] == told(ERROR)
        assert not {"inputs", "input", "output", "attempts", "trigger_data"} & set(row)
    for query in queries:
        columns = query["sql"].partition(" FROM ")[0] + ","
        for name in ("trigger_data", "inputs", "input", "output", "attempts", "signal", "error"):
            assert not re.search(rf', "workflows_(run|steprun)"."{name}",', columns), columns


def test_the_single_run_and_the_single_step_are_whole(api, run):
    whole = api.get(f"/api/v1/runs/{run.public_id}").json()
    assert (whole["inputs"], whole["output"], whole["error"]) == ({"who": LARGE}, LARGE, ERROR)
    [row] = api.get(f"/api/v1/runs/{run.public_id}/steps").json()["data"]
    step = api.get(f"/api/v1/runs/{run.public_id}/steps/{row['id']}").json()
    assert (step["output"], step["error"], step["attempts"][0]["error"]) == ({"body": LARGE}, ERROR, ERROR)
    assert {**row, "error": ERROR}.items() <= step.items()


def test_a_step_belongs_to_its_run(api, run, organization, developer):
    other = make_run(make_workflow(organization, developer, slug="other"), {"who": "Bob"})
    step = run.steps.get()
    assert api.get(f"/api/v1/runs/{other.public_id}/steps/{step.public_id}").status_code == 404


def test_without_an_error_there_is_none(api, run):
    Run.objects.unscoped().update(error=None)
    assert api.get("/api/v1/runs").json()["data"][0]["error"] is None


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"message": "5", "roles": ["owner", "viewer"]}, {"message": "5", "roles": ["owner", "viewer"]}),
        ({"message": "go?"}, {"message": "go?", "roles": ["owner", "admin"]}),
    ],
)
def test_an_open_approval_says_what_is_asked_of_whom(api, run, given, shown):
    run.steps.update(waiting_for="approval", state="waiting", input=given, error=None)
    [row] = api.get(f"/api/v1/runs/{run.public_id}/steps").json()["data"]
    step = api.get(f"/api/v1/runs/{run.public_id}/steps/{row['id']}").json()
    assert row["approval"] == step["approval"] == shown


def test_the_document_says_what_lists_leave_out(client):
    document = json.loads(client.get("/api/openapi.json").content)
    parts = document["components"]["schemas"]
    assert set(parts["RunAnswer"]["properties"]) - set(parts["RunSummary"]["properties"]) == {
        "inputs",
        "output",
        "trigger_data",
    }
    assert set(parts["StepAnswer"]["properties"]) - set(parts["StepSummary"]["properties"]) == {
        "input",
        "output",
        "attempts",
    }
