"""A newcomer's way through the pages: sign in, first workflow, first run, an answer, a correction, a second version."""

import re

import pytest
from django.test import Client

from apps.accounts.models import Organization, User
from apps.workflows.engine.worker import work
from tests.common.roles import client_of
from tests.common.workflows import make_run, make_workflow

pytestmark = pytest.mark.django_db

SOURCE = """\
name: Ship orders
inputs:
  type: object
  required: [order]
  properties: {order: {type: string, title: Order, minLength: 3}}
steps:
  - {id: ok, name: Ask first, type: approval, with: {message: "Ship {{ inputs.order }}?", on_reject: continue}}
  - {id: done, type: transform, with: {value: "{{ steps.ok.output.approved }}"}}
output: "{{ steps.done.output }}"
"""


def read(browser: Client, address: str) -> str:
    response = browser.get(address, follow=True)
    assert response.status_code == 200, address
    return response.content.decode()


def test_from_the_welcome_to_a_second_version(owner: User, organization: Organization) -> None:
    browser = client_of(owner, organization)
    assert "Welcome, Olivia" in read(browser, "/dashboard")
    assert "Your first workflow is minutes away" in read(browser, "/workflows")
    assert "What a definition may hold" in read(browser, "/workflows/new")

    wrong = browser.post("/workflows/new/check", {"source": SOURCE.replace("transform", "transfrom")}).content.decode()
    assert 'data-problem-line="8"' in wrong
    created = browser.post("/workflows/new", {"source": SOURCE, "message": "first"}, follow=True)
    assert "Version 1 is live." in created.content.decode()

    short = browser.post("/workflows/ship-orders/run", {"input_0": "1"})
    assert short.status_code == 422
    started = browser.post("/workflows/ship-orders/run", {"input_0": "order-1"})
    run = started["Location"]
    work()
    page = read(browser, run)
    assert "Ship order-1?" in page
    action = re.search(r'action="(/runs/run_\w+/steps/step_\w+/decide)"', page)
    assert action is not None
    assert "Rejected." in browser.post(action[1], {"decision": "reject", "comment": "no"}, follow=True).content.decode()
    work()
    page = read(browser, run)
    assert "Succeeded" in page
    assert "false" in page, "what the run returned"

    correction = SOURCE.replace("first", "before shipping")
    browser.post("/workflows/ship-orders/edit", {"source": correction, "base": "1", "message": "clearer"})
    assert "clearer" in read(browser, "/workflows/ship-orders/versions")
    assert "Getting started" in read(browser, "/dashboard")
    assert "Ship orders" in read(browser, "/runs")


def test_outsiders_find_nothing(owner: User, outsider: User, organization: Organization) -> None:
    run = make_run(make_workflow(organization, owner), {"who": "Ada"})
    work()
    step = run.steps.get()
    stranger = client_of(outsider)
    for address in (
        "/workflows/greeting",
        "/workflows/greeting/edit",
        "/workflows/greeting/run",
        "/workflows/greeting/runs",
        "/workflows/greeting/triggers",
        "/workflows/greeting/versions",
        "/workflows/greeting/versions/1",
        f"/runs/{run.public_id}",
        f"/runs/{run.public_id}/live",
        f"/runs/{run.public_id}/items?step=each",
        f"/runs/{run.public_id}/steps/{step.public_id}",
    ):
        assert stranger.get(address).status_code == 404, address
        assert Client().get(address).status_code == 302, address
    for action in ("cancel", "again", f"steps/{step.public_id}/decide"):
        assert stranger.post(f"/runs/{run.public_id}/{action}", {"decision": "approve"}).status_code == 404
    assert "Greeting" not in read(stranger, "/workflows") + read(stranger, "/runs") + read(stranger, "/dashboard")


def test_pages_keep_to_the_content_security_policy(owner: User, organization: Organization) -> None:
    browser = client_of(owner, organization)
    run = make_run(make_workflow(organization, owner), {"who": "Ada"})
    work()
    for address in (
        "/dashboard",
        "/workflows",
        "/workflows/new",
        "/workflows/greeting",
        "/workflows/greeting/versions/1",
        "/workflows/greeting/triggers",
        "/runs",
        f"/runs/{run.public_id}",
        "/approvals",
        "/secrets",
    ):
        page = read(browser, address)
        assert not re.search(r"<[^>]+\sstyle=", page), address
        assert not re.search(r"<[^>]+\son[a-z]+=", page), address
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), address
