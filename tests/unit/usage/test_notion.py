"""What usage keeps at Notion."""

from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.accounts.services.api_keys import Terms, create_key
from apps.core.events import deliver_due
from apps.integrations.models import NotionTable
from apps.integrations.notion import syncing
from apps.integrations.notion.fake import FakeNotion
from apps.usage import notion
from apps.usage.limits import set_limits
from apps.usage.models import QuotaAlert
from apps.usage.services.alerts import alert_quotas
from tests.common.gates import sum_up_all
from tests.common.roles import actor_of
from tests.common.usage import call

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(organization: Organization, owner: User) -> Any:
    """A live key, and what was shown of it once."""
    return create_key(actor_of(owner, organization), organization, "live", Terms("Server"))


def test_keys_come_with_their_calls_of_the_month_and_no_secret(
    organization: Organization, owner: User, key: Any, fake_notion: FakeNotion
) -> None:
    made, secret = key.key, key.secret
    set_limits(organization, "pro")
    call(organization, 9_000, user_id=owner.pk, key_id=made.pk)
    sum_up_all()
    syncing.sync_daily()
    [row] = fake_notion.rows("API Keys")
    assert row["Key ID"] == made.public_id
    assert row["User ID"] == owner.public_id
    assert row["Organization ID"] == organization.public_id
    assert (row["Tier"], row["Calls Used"], row["Quota"], row["Status"]) == ("Pro", 9_000, "80 % used", "active")
    assert row["Created At"] == made.created_at.isoformat(timespec="seconds")
    there = fake_notion.everything()
    for part in (secret, made.last_four, made.digest, owner.email, "Server"):
        assert part not in there


def test_one_that_is_over_its_quota_says_so(organization: Organization, key: Any) -> None:
    call(organization, 1_000, key_id=key.key.pk)
    set_limits(organization, "sandbox")
    sum_up_all()
    assert next(notion.key_rows()).values["Quota"] == "Exceeded"


def test_a_few_queries_whatever_the_number_of_keys(
    organization: Organization, key: Any, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):
        assert len(list(notion.key_rows())) == 1


def test_api_keys_go_out_once_a_day(organization: Organization, key: Any, fake_notion: FakeNotion) -> None:
    syncing.sync_all()
    assert not NotionTable.objects.filter(name="api_keys").exists()


def test_an_alert_goes_there_at_once(organization: Organization, fake_notion: FakeNotion) -> None:
    set_limits(organization, "pro")
    call(organization, 10_000)
    assert alert_quotas() == 2
    deliver_due()
    assert syncing.sync_due() == 1
    rows = fake_notion.rows("Quota Alerts")
    assert sorted(row["Share"] for row in rows) == [0.8, 1]
    assert {row["Calls"] for row in rows} == {10_000}
    assert len(rows) == QuotaAlert.objects.unscoped().count()
