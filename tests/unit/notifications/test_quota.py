"""Telling about quotas (USE-4): those who decide about the plan, once, in the inbox and by mail."""

from datetime import UTC, datetime

import pytest
import time_machine

from apps.accounts.models import Organization
from apps.core.events import deliver_due, replay
from apps.core.models import DomainEvent, EventDelivery
from apps.integrations.models import MailMessage
from apps.notifications.handlers import tell_quota
from apps.notifications.models import Notification
from apps.notifications.services.notices import choose
from apps.usage.limits import set_limits
from apps.usage.services.alerts import alert_quotas
from tests.common.gates import record

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def alert(organization, plan, calls):
    set_limits(organization, plan)
    record(organization, NOON, value=calls)
    alert_quotas()
    deliver_due()
    return list(MailMessage.objects.filter(template="usage/quota_reached").order_by("created_at", "pk"))


def test_who_is_told_what(organization, owner, teammate, billing, developer, viewer):
    mails = alert(organization, "sandbox", 850)
    assert {mail.to for mail in mails} == {owner.email, teammate.email, billing.email}
    mail = next(mail for mail in mails if mail.to == owner.email)
    assert mail.organization_id == organization.pk
    assert mail.subject == "Acme has used 80 % of this month's API calls"
    assert "850 of the 1,000 API calls" in mail.text
    assert "1 December 2026" in mail.text
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    rows = Notification.objects.for_organization(organization)
    assert {row.user for row in rows} == {owner, teammate, billing}
    assert {row.title for row in rows} == {mail.subject}
    assert rows[0].body.startswith("850 of the 1,000 API calls that the plan includes this month are used. When")
    assert rows[0].url == f"/developer?organization={organization.public_id}"


def test_each_share_has_its_mail_and_no_mail_comes_twice(organization, owner):
    assert len(alert(organization, "sandbox", 1_000)) == 2
    for event in DomainEvent.objects.filter(name="quota_reached"):
        tell_quota(event)
    assert MailMessage.objects.filter(template="usage/quota_reached").count() == 2
    assert Notification.objects.for_organization(organization).count() == 2


@pytest.mark.parametrize("state", ["pending", "dead"])
def test_what_old_processes_order_by_the_old_name_arrives_once(organization, owner, state):
    set_limits(organization, "sandbox")
    record(organization, NOON, value=850)
    alert_quotas()
    waiting = EventDelivery.objects.filter(handler__startswith="quota_reached:").exclude(handler__contains="notion")
    assert [row.handler for row in waiting] == ["quota_reached:notifications.tell_quota"], "nothing new has the old one"
    waiting.update(handler="quota_reached:usage.mail_quota", state=state)
    if state == "dead":  # such as those of the release that did not know it
        replay(EventDelivery.objects.get(state="dead"))
    deliver_due()
    assert EventDelivery.objects.get(handler="quota_reached:usage.mail_quota").state == "done"
    tell_quota(DomainEvent.objects.get(name="quota_reached"))
    assert MailMessage.objects.get(template="usage/quota_reached").to == owner.email
    assert Notification.objects.for_organization(organization).count() == 1


def test_who_wants_no_mail_has_it_in_the_inbox(organization, owner):
    choose(owner, "quota_reached", in_app=True, mail=False)
    assert alert(organization, "sandbox", 850) == []
    row = Notification.objects.for_organization(organization).get()
    assert (row.in_app, row.mailed) == (True, False)


def test_without_recipients_or_organization_nothing_is_sent(organization):
    event = DomainEvent(
        organization_id=organization.pk, payload={"percent": 80, "period": "2026-11", "calls": 8, "quota": 10}
    )
    organization.memberships.all().delete()
    tell_quota(event)
    Organization.objects.filter(pk=organization.pk).delete()
    tell_quota(event)
    assert not MailMessage.objects.exists()
