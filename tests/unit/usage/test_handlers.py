"""The mail about quotas: to those who decide about the plan, once."""

from datetime import UTC, datetime

import pytest
import time_machine

from apps.accounts.models import Organization
from apps.core.events import deliver_due
from apps.core.models import DomainEvent
from apps.integrations.models import MailMessage
from apps.usage.handlers import mail_quota
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
    [mail] = alert(organization, "sandbox", 850)
    assert set(mail.to.split(", ")) == {owner.email, teammate.email, billing.email}
    assert mail.organization_id == organization.pk
    assert mail.subject == "Acme has used 80 % of this month's API calls"
    assert "850 of the 1,000 API calls" in mail.text
    assert "1 December 2026" in mail.text


def test_each_share_has_its_mail_and_no_mail_comes_twice(organization):
    assert len(alert(organization, "sandbox", 1_000)) == 2
    for event in DomainEvent.objects.filter(name="quota_reached"):
        mail_quota(event)
    assert MailMessage.objects.filter(template="usage/quota_reached").count() == 2


def test_without_recipients_or_organization_nothing_is_sent(organization):
    event = DomainEvent(organization_id=organization.pk, payload={"percent": 80, "period": "2026-11"})
    organization.memberships.all().delete()
    mail_quota(event)
    Organization.objects.filter(pk=organization.pk).delete()
    mail_quota(event)
    assert not MailMessage.objects.exists()
