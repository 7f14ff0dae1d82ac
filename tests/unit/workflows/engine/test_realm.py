"""What a run does belongs to its organization's realm: its mail, its events, whoever hears of them, its addresses."""

import pytest
from django.urls import reverse

from apps.accounts.models import Realm
from apps.core.brand import Brand
from apps.core.context import bound, current
from apps.core.events import deliver_due
from apps.core.kinds import BrandProvider, EventHandler
from apps.core.models import DomainEvent
from apps.core.registry import contributed
from apps.integrations.models import MailMessage
from apps.workflows.engine.worker import work
from apps.workflows.services.cancelling import cancel_run
from tests.common.roles import api_client_of, client_of, make_organization
from tests.common.runs import fresh, run_of
from tests.common.workflows import ASKING, make_workflow

pytestmark = pytest.mark.django_db

SITE = "https://partner.example"
BRAND = Brand("Partner", "#123456", "#ffffff", "", "help@partner.example", "Partner <mail@partner.example>", SITE)
LETTER = "name: Letter\nsteps: [{id: m, type: email, with: {to: a@example.com, subject: Hi, text: Hello}}]"
FAILING = "name: Failing\nsteps: [{id: bad, type: transform, with: {expression: 'join(`1`, `2`)'}}]"


@pytest.fixture
def partner(owner):
    """An organization of a realm with a brand of its own."""
    realm = Realm.objects.create(name="Partner", slug="partner")
    with contributed(BrandProvider("test", lambda key: BRAND if key == realm.pk else None)):
        yield make_organization(owner, "Partner's", realm=realm)


def events(name):
    return list(DomainEvent.objects.filter(name=name).values_list("realm_id", flat=True))


def mail(template):
    return MailMessage.objects.get(template=template)


def test_mail_and_end_of_a_run(partner):
    run_of(partner, LETTER)
    work()
    assert mail("workflow_step").realm_id == partner.realm_id
    assert mail("workflow_step").from_address == BRAND.from_address
    assert events("run_finished") == [partner.realm_id]


def test_handlers_of_a_failed_run(partner):
    heard = []
    handler = EventHandler("run_finished", "test.hears", lambda event: heard.append(current().realm_id))
    with contributed(handler):
        run_of(partner, FAILING)
        work()
        deliver_due()
    assert heard == [partner.realm_id]
    assert mail("run_failed").realm_id == partner.realm_id
    assert f"{SITE}/runs/run_" in mail("run_failed").text


def test_a_question_to_the_members(partner):
    run_of(partner, "name: A\nsteps: [{id: ok, type: approval, with: {message: Go on?}}]")
    work()
    assert events("approval_requested") == [partner.realm_id]
    deliver_due()
    assert mail("approval_requested").realm_id == partner.realm_id
    assert f"{SITE}/runs/run_" in mail("approval_requested").text


def test_a_run_that_somebody_of_no_realm_ends(partner):
    run = run_of(partner, "name: A\nsteps: [{id: ok, type: delay, with: {for: 1h}}]")
    with bound(actor_kind="staff", organization_id=None, realm_id=None):
        cancel_run(run)
    assert events("run_finished") == [partner.realm_id]


def test_steps_are_told_the_address_of_their_realm(partner):
    run = run_of(
        partner,
        "name: S\nsteps: [{id: t, type: transform, with: {value: '{{ levqor.site_url }}'}}]\n"
        "output: '{{ steps.t.output }}'",
    )
    work()
    assert fresh(run).output == SITE


def test_the_address_of_a_webhook(partner, owner):
    webhook = make_workflow(partner, owner, ASKING).triggers.get(kind="webhook")
    address = SITE + reverse("hook", args=[webhook.public_id])
    assert address in client_of(owner, partner).get("/workflows/asking/triggers").content.decode()
    triggers = api_client_of(owner, partner).get("/api/v1/workflows/asking").json()["triggers"]
    assert address in [trigger.get("url") for trigger in triggers]
