"""Signs of abuse: raised once, judged by people, and quiet once they are settled."""

from datetime import timedelta

import pytest

from apps.accounts.models import Membership
from apps.audit.models import AuditEntry
from apps.billing.jobs import look_for_abuse
from apps.billing.models import AbuseFlag, Customer, Dispute, Refund
from apps.billing.services import abuse, customers
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.ids import new_id
from tests.common.bills import make_payment, make_subscription
from tests.common.roles import client_of, make_organization, make_user
from tests.common.staff import action_address, list_address, row_address, staff_with

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def flags():
    rows = AbuseFlag.objects.unscoped().order_by("created_at", "pk")
    return [(row.organization, row.sign, row.count) for row in rows]


def short_plan(organization, *, ago=DAY, lasted=3 * DAY, **fields):
    begin = now() - ago - lasted
    return make_subscription(organization, "api_pro", created_at=begin, ended_at=begin + lasted, **fields)


def refund(organization, state=Refund.State.SUCCEEDED, *, ago=DAY):
    row = Refund.objects.create(payment=make_payment(organization, 1900), amount=1900, state=state)
    Refund.objects.filter(pk=row.pk).update(created_at=now() - ago)


def dispute(organization, status="won"):
    payment = make_payment(organization, 1900)
    Dispute.objects.create(
        payment=payment, stripe_id=f"du_{new_id().hex}", amount=1900, status=status, created_at=now() - DAY
    )


def trial(organization, *, ago=DAY):
    make_subscription(organization, "base", created_at=now() - ago, trial_end=now() + 13 * DAY)


@pytest.mark.parametrize(
    ("sign", "least", "happens"),
    [("short_plans", 2, short_plan), ("refunds", 3, refund), ("disputes", 2, dispute)],
)
def test_what_happens_too_often_is_raised_once_and_counted_anew(organization, sign, least, happens):
    other = make_organization(make_user("Other"), "Somebody else")
    for _again in range(least - 1):
        happens(organization)
        happens(other)
    assert look_for_abuse(now()) == "0 new signs of abuse"
    happens(organization)
    assert look_for_abuse(now()) == "1 new signs of abuse"
    happens(organization)
    assert abuse.look() == 0
    assert flags() == [(organization, sign, least + 1)]


def test_what_is_as_it_should_be_is_no_sign(organization):
    for _again in range(4):
        short_plan(organization, lasted=8 * DAY)
        short_plan(organization, ago=100 * DAY)
        short_plan(organization, line="platform")
        make_subscription(organization, "api_pro")
        refund(organization, Refund.State.FAILED)
        refund(organization, ago=91 * DAY)
    assert abuse.look() == 0


def test_trials_of_one_owners_organizations(organization, owner):
    second, third = make_organization(owner, "Second"), make_organization(owner, "Third")
    friends = make_organization(make_user("Friend"), "Friends")
    Membership.objects.create(organization=friends, user=owner, role="viewer")
    trial(organization, ago=3 * DAY)
    trial(third, ago=DAY)
    trial(friends)
    assert abuse.look() == 0, "two, and one where this person owns nothing"
    trial(second, ago=2 * DAY)
    assert abuse.look() == 1
    assert flags() == [(third, "trials", 3)], "the latest of them"
    fourth = make_organization(owner, "Fourth")
    trial(fourth, ago=timedelta(hours=1))
    assert abuse.look() == 0
    assert flags() == [(third, "trials", 4)], "it does not wander"


def test_settled_it_is_quiet_for_ninety_days(organization, time_machine):
    short_plan(organization)
    short_plan(organization)
    abuse.look()
    flag = AbuseFlag.objects.unscoped().get()
    abuse.settle(flag, "Tests before they bought it.")
    with pytest.raises(ConflictError):
        abuse.settle(flag, "Once more.")
    short_plan(organization)
    assert abuse.look() == 0
    time_machine.move_to(now() + 91 * DAY)
    assert abuse.look() == 0, "nothing happened since"
    short_plan(organization)
    short_plan(organization)
    assert abuse.look() == 1


def test_staff_see_it_hold_the_customer_and_settle_it(organization, owner):
    customer = customers.customer_of(organization)
    dispute(organization)
    dispute(organization)
    abuse.look()
    flag = AbuseFlag.objects.unscoped().get()
    client = client_of(staff_with("finance"))
    page = client.get("/admin/")
    figure = next(
        one for group in page.context["groups"] for one in group["figures"] if str(one.label) == "Signs of abuse"
    )
    assert figure.value == "1"
    assert list(client.get(figure.url).context["cl"].result_list) == [flag]
    assert row_address(customer) in client.get(row_address(flag)).content.decode()
    assert row_address(flag) in client.get(row_address(customer)).content.decode()

    assert "at least 3 characters" in client.post(action_address(customer, "hold"), {"reason": "x"}).content.decode()
    client.post(action_address(customer, "hold"), {"reason": "Two disputes"})
    customer = Customer.objects.for_organization(organization).get()
    assert customer.held_because == "Two disputes"
    again = client.post(action_address(customer, "hold"), {"reason": "Once more"}, follow=True)
    assert "This customer is on hold already." in again.content.decode()

    client.post(action_address(flag, "settle"), {"note": "Put on hold."})
    flag = AbuseFlag.objects.unscoped().get()
    assert (flag.settled_at is not None, flag.note) == (True, "Put on hold.")
    assert list(client.get(figure.url).context["cl"].result_list) == []
    assert list(client.get(list_address(AbuseFlag), {"state": "settled"}).context["cl"].result_list) == [flag]
    codes = AuditEntry.objects.for_organization(organization).values_list("code", flat=True)
    assert {"billing.customer_held", "billing.abuse_settled"} <= set(codes)


def test_others_of_staff_can_not(organization):
    customers.customer_of(organization)
    customer = Customer.objects.for_organization(organization).get()
    flag = AbuseFlag.objects.create(organization=organization, sign="refunds", count=3)
    client = client_of(staff_with("support"))
    assert client.post(action_address(customer, "hold"), {"reason": "Because"}).status_code == 403
    assert client.post(action_address(flag, "settle"), {"note": "Because"}).status_code == 403


def test_however_many_there_are_the_questions_are_as_many(django_assert_num_queries):
    def some(number):
        for _one in range(number):
            one = make_organization(make_user())
            short_plan(one)
            short_plan(one)

    some(2)
    with django_assert_num_queries(8):
        assert abuse.look() == 2
    some(6)
    with django_assert_num_queries(8):
        assert abuse.look() == 6
