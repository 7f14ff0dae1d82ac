"""A small world for the administration: one row of everything that it shows, and staff with each role."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.urls import reverse

from apps.accounts.models import Organization, User
from apps.accounts.services import api_keys, device, invitations, tokens
from apps.accounts.services.api_keys import Terms
from apps.accounts.services.impersonation import start_impersonation
from apps.accounts.staff import ensure_staff_groups
from apps.core.clock import now
from apps.core.events import deliver_due
from apps.core.jobs import run_now, sync_schedules
from apps.core.models import EventDelivery
from apps.core.money import Money
from apps.developers.models import NotionGuide
from apps.integrations.models import ExternalEvent, MailMessage, NotionPage, NotionTable
from apps.integrations.stripe.mirror import mirror
from apps.ledger.models import Side, Transfer
from apps.ledger.services import Entry, open_account, transfer
from apps.monitoring.models import (
    GaugeSample,
    IncidentTemplate,
    Probe,
    RequestMinute,
    SloSample,
    StatusSubscriber,
    UptimeDay,
)
from apps.monitoring.services.incidents import open_incident
from apps.monitoring.services.slo import ensure_objectives
from apps.notifications.models import AlertChannel, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.services.alerts import fire
from apps.notifications.services.notices import notify
from apps.notifications.services.testing import order_test
from apps.usage.limits import set_limits
from apps.usage.models import QuotaAlert
from apps.workflows.engine.worker import work
from apps.workflows.models import Run
from apps.workflows.services.publishing import create_workflow
from apps.workflows.services.secrets import put_secret
from apps.workflows.services.starting import Start, start_run
from tests.common import stripe_raw
from tests.common.billed import bill
from tests.common.gates import sum_up_all
from tests.common.monitored import monitor
from tests.common.roles import actor_of, make_user
from tests.common.usage import call, logged

SECRET_VALUE = "never-to-be-seen-4711"
SOURCE = """
name: Tried
triggers:
  - {name: hook, type: webhook}
  - {name: daily, type: cron, cron: "0 9 * * *"}
steps:
  - {id: shape, type: transform, with: {expression: "inputs"}}
  - {id: ok, type: approval, with: {message: "go <b>on</b>?"}}
"""


def staff_with(role: str, **fields: Any) -> User:
    """A member of staff who has this role alone; no role for ""."""
    ensure_staff_groups()
    user = make_user(f"{role or 'plain'} staff", is_staff=True, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_run(organization: Organization, owner: User, source: str = SOURCE) -> Run:
    """A run that waits for an approval, of a new workflow."""
    workflow = create_workflow(organization, source, actor_of(owner, organization)).workflow
    run = start_run(workflow, Start(kind="manual", user=owner))
    work()
    return Run.objects.for_organization(organization).get(pk=run.pk)


def fill(organization: Organization, owner: User, staff: User) -> Run:
    """Rows of everything. Returns the run."""
    run = make_run(organization, owner)
    actor = actor_of(owner, organization)
    put_secret(organization, "TOKEN", SECRET_VALUE, actor)
    invitations.invite(actor, organization, email="new@example.com", role="viewer")
    tokens.mint(owner, organization, origin="session", client_name="laptop")
    api_keys.create_key(actor, organization, "live", Terms("Server"))
    device.approve(owner, device.find_open(device.start("levqor").user_code), organization)
    start_impersonation(staff, owner, organization, reason="Ticket 12 of today")
    UserSession.objects.create(user=owner, ip="127.0.0.1", session_key="k" * 32, user_agent="Firefox")
    set_limits(organization, "pro")
    call(organization, 2, user_id=owner.pk)
    sum_up_all()
    logged(organization, method="POST", path="/api/v1/workflows/validate", body=SECRET_VALUE)
    QuotaAlert.objects.create(organization=organization, period="2026-01", percent=80, calls=8_000, quota=10_000)
    pay(organization)
    bill(organization, owner)
    monitor()
    observe()
    sync_schedules()
    run_now("token_cleanup")
    deliver_due()
    moment = now()
    ExternalEvent.objects.create(
        vendor="resend", external_id="ev_1", type="email.sent", payload={"a": 1}, due_at=moment, received_at=moment
    )
    fill_alarms(organization, owner)
    people = NotionTable.objects.create(
        name="people",
        direction="out",
        title="People",
        url="https://www.notion.so/people",
        last_error="NotionTokenError: no",
    )
    NotionPage.objects.create(
        table=people, external_id="p1", page_id=str(uuid.uuid4()), values={"Name": "x"}, state="failed", due_at=moment
    )
    NotionGuide.objects.create(
        page_id=str(uuid.uuid4()), slug="from-notion", title="From Notion", source="# From Notion\n\nText.\n",
        published=True, link="https://www.notion.so/guide", problem="The page is empty.", received_at=moment,
    )  # fmt: skip
    for one in (*stripe_raw.everything(), stripe_raw.refund(id="re_2", charge="ch_2")):
        mirror(one["object"], one)
    return run


def fill_alarms(organization: Organization, owner: User) -> None:
    """An alarm that was told, what staff set up for alarms, and something that a customer was told."""
    channel = AlertChannel(name="ops", kind="webhook", url=f"https://alarms.test/{SECRET_VALUE}", shown_url="https://…")
    channel.save()
    fire("alert_channel_failing", "old", {"address": "https://…", "error": "answered 404"})
    order_test(channel)
    EscalationRule.objects.create(name="boss").channels.add(channel)
    moment = now()
    MaintenanceWindow.objects.create(reason="Upgrade", starts_at=moment, ends_at=moment + timedelta(hours=1))
    AlertTemplate.objects.create(code="channel_test", title="Test {{ subject }}")
    notify(organization, [owner], "quota_reached", title="80 %", body="Of the quota.", url="/", idempotency_key="a")


def observe() -> None:
    """A row of everything that is measured and told of the platform itself."""
    moment = now().replace(second=0, microsecond=0)
    ensure_objectives()
    Probe.objects.create(component="api", minute=moment, up=True, latency_ms=12, seen="the API answers")
    UptimeDay.objects.create(component="api", day=moment.date(), expected=1440, up=1439)
    RequestMinute.objects.create(scope="api", minute=moment, total=10, over_50=1)
    SloSample.objects.create(objective_id="api-latency", at=moment, total=10, bad=0, p95_ms=40)
    GaugeSample.objects.create(name="levqor_queue_depth", at=moment, value=0)
    IncidentTemplate.objects.create(name="Investigating", state="investigating", words="We are looking into it.")
    StatusSubscriber.objects.create(email="reader@example.com")
    open_incident("Slow", "We are looking into it.", {"api": "degraded_performance"})


def pay(organization: Organization) -> list[Transfer]:
    """A payment of 20 dollars, and 5 of them held back."""
    bank = open_account("bank:USD", "USD", Side.DEBIT, may_be_overdrawn=True)
    owed = open_account(f"customer:{organization.public_id}:USD", "USD", Side.CREDIT, organization=organization)
    paid = Entry(bank, owed, Money(2_000, "USD"), "payment", "payment:1", subject="payment 1")
    held = Entry(owed, bank, Money(500, "USD"), "refund", "refund:1", subject="payment 1", pending=True)
    return transfer(paid, held)


def dead_delivery() -> EventDelivery:
    """A delivery that was given up."""
    delivery = EventDelivery.objects.all()[0]
    EventDelivery.objects.filter(pk=delivery.pk).update(state="dead", attempts=8, last_error="ValueError: no")
    delivery.refresh_from_db()
    return delivery


def failed_mail() -> MailMessage:
    """A mail that was given up."""
    mail = MailMessage.objects.all()[0]
    MailMessage.objects.filter(pk=mail.pk).update(state="failed", attempts=3, last_error="refused")
    mail.refresh_from_db()
    return mail


def list_address(model: Any) -> str:
    """The list of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def row_address(row: Any) -> str:
    """The page of a row."""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def action_address(row: Any, action: str) -> str:
    """The page that asks whether to do something to a row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_do"
    return f"{reverse(name, args=[action])}?id={row.pk}"


@pytest.fixture
def world(organization: Organization, owner: User, teammate: User, staff: User) -> Run:
    """`fill`, for `organization`."""
    return fill(organization, owner, staff)
