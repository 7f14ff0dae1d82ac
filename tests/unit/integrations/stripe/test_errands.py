"""Errands: one that goes wrong is told and tried again, and the others are done."""

from datetime import timedelta

import pytest

from apps.billing.models import OverageReport
from apps.core.clock import now
from apps.integrations.stripe.errands import run_errands
from apps.integrations.stripe.errors import StripeRefusedError, StripeUnavailableError
from tests.common.bills import make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(organization):
    subscription = make_subscription(organization, "api_usage_developer")
    return [
        OverageReport.objects.create(
            organization=organization, subscription=subscription, period="2027-03", meter="api_overage", value=value
        )
        for value in (1, 2, 3)
    ]


def done(row, _result):
    row.state = "sent"
    row.save(update_fields=("state",))


def refused(row, _error):
    row.state = "refused"
    row.save(update_fields=("state",))


def run(go, done=done):
    return run_errands(OverageReport.objects.unscoped().filter(state="to_send"), go, done, refused)


def states():
    return dict(OverageReport.objects.unscoped().values_list("value", "state"))


@pytest.mark.parametrize("error", [StripeUnavailableError("away", retry_after=600), ValueError("broken")])
def test_what_goes_wrong_waits_and_the_others_are_done(rows, error):
    def go(row):
        if row.value == 2:
            raise error

    assert run(go) == 3
    assert states() == {1: "sent", 2: "to_send", 3: "sent"}
    row = OverageReport.objects.unscoped().get(value=2)
    assert str(error) in row.last_error
    assert row.due_at > now() + timedelta(seconds=500 if isinstance(error, StripeUnavailableError) else 0)
    assert run(go) == 0, "not at once"


def test_what_can_not_be_written_down_is_tried_again(rows):
    def broken(row, result):
        if row.value == 1:
            raise ValueError("broken")
        done(row, result)

    run(lambda _row: None, broken)
    assert states() == {1: "to_send", 2: "sent", 3: "sent"}


def test_what_stripe_refuses_is_refused(rows):
    def go(row):
        if row.value == 3:
            raise StripeRefusedError("no")

    run(go)
    assert states() == {1: "sent", 2: "sent", 3: "refused"}
