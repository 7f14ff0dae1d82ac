"""The OpenAPI document is true: whatever is sent, no answer is a 5xx, and each is one that the document declares."""

import itertools

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import load_all_checks, not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from apps.core.api import document
from apps.workflows.engine.worker import work
from apps.workflows.models import StepRun
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.starting import Start, start_run
from levqor.wsgi import application
from tests.common.bills import make_order
from tests.common.roles import actor_of, api_client_of
from tests.common.routes import PARAMETER, routes

pytestmark = pytest.mark.django_db

load_all_checks()
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
UNDOCUMENTED = {
    "openapi": "it is the document",
    **dict.fromkeys(
        (
            "status_summary_json",
            "status_json",
            "status_components_json",
            "status_incidents_json",
            "status_maintenances_json",
        ),
        "the status page in the words of Statuspage's API, which documents them",
    ),
}
ANSWERED_BY_THE_FRAMEWORK = {"HEAD", "OPTIONS"}
SOURCE = (
    "name: Fuzzed\ntriggers: [{name: hook, type: webhook}]\nsteps: [{id: ok, type: approval, with: {message: go?}}]"
)


def served(environ, start_response):
    """The application as a server calls it: with the caller's address."""
    environ["REMOTE_ADDR"] = "127.0.0.1"
    return application(environ, start_response)


schema = schemathesis.openapi.from_dict(document())
schema.app = served
_turns = itertools.count()


@pytest.fixture(autouse=True)
def _one_connection():
    """A real request may close the database connection at its end; here the test's transaction lives on it."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def known(organization, owner):
    """Path parameters that name something real."""
    workflow = create_workflow(organization, SOURCE, actor_of(owner, organization)).workflow
    run = start_run(workflow, Start(kind="manual"))
    work()
    step = StepRun.objects.for_organization(organization).get()
    trigger = workflow.triggers.get().public_id
    return {
        "workflow": workflow.public_id,
        "trigger": trigger,
        "run": run.public_id,
        "step": step.public_id,
        "number": 1,
        "meter": "api_calls",
        "order_id": make_order(organization).public_id,
    }


@pytest.fixture
def headers(organization, owner):
    """The owner's token."""
    return {"Authorization": api_client_of(owner, organization)._credentials["HTTP_AUTHORIZATION"]}


@schema.parametrize()
@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_takes_anything(case, known, headers):
    """Every second request names real objects, so that bodies and queries get past the 404."""
    if next(_turns) % 2 and case.path_parameters:
        case.path_parameters = {name: known.get(name, value) for name, value in case.path_parameters.items()}
    if isinstance(case.query, dict) and "wait" in case.query and str(case.query["wait"]).isdigit():
        case.query["wait"] = 0  # waiting is tried elsewhere
    response = case.call(headers=headers)
    case.validate_response(response, checks=CHECKS)


def test_every_route_of_the_api_is_documented():
    operations = [result.ok() for result in schema.get_all_operations()]
    documented = {(operation.method.upper(), operation.path) for operation in operations}
    routed = {
        (method, "/" + PARAMETER.sub(r"{\1}", route.pattern))
        for route in routes()
        if route.is_api and route.name not in UNDOCUMENTED
        for method in route.methods - ANSWERED_BY_THE_FRAMEWORK
    }
    assert documented == routed
    assert all(operation.definition.raw.get("operationId") for operation in operations)


def test_a_route_of_the_api_says_which_methods_it_takes():
    """Whatever is written otherwise than as a class would be missing above."""
    assert [
        route.pattern for route in routes() if route.is_api and not route.methods and route.name not in UNDOCUMENTED
    ] == []
    assert {route.name for route in routes() if route.is_api} >= set(UNDOCUMENTED)
