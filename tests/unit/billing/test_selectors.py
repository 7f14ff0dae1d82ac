"""Orders are found by whom they belong to, and in a sandbox by what they gave."""

import pytest

from apps.accounts.services.sandbox import sandbox_of
from apps.billing.selectors import get_order, get_sandbox_order
from apps.core.errors import NotFoundError
from tests.common.bills import make_grant, make_order

pytestmark = pytest.mark.django_db


def test_an_order_comes_with_its_credits(organization, django_assert_num_queries):
    order, unpaid = make_order(organization), make_order(organization, quantity=2)
    grant = make_grant(organization, 1_000, order=order)
    with django_assert_num_queries(1):
        assert get_order(organization, order.public_id).grant == grant
    with django_assert_num_queries(1):
        assert not hasattr(get_order(organization, unpaid.public_id), "grant")


def test_what_was_ordered_in_a_sandbox_is_what_it_gave(organization, owner, django_assert_num_queries):
    twin = sandbox_of(organization, owner)
    grant = make_grant(twin, 1_000)
    with django_assert_num_queries(1):
        assert get_sandbox_order(twin, grant.public_id) == grant


@pytest.mark.parametrize(("find", "make"), [(get_order, make_order), (get_sandbox_order, make_grant)])
def test_others_find_nothing(find, make, organization, owner, outsider):
    row = make(organization, **({"units": 1_000} if make is make_grant else {}))
    for stranger in (outsider.memberships.get().organization, sandbox_of(organization, owner)):
        with pytest.raises(NotFoundError):
            find(stranger, row.public_id)
    with pytest.raises(NotFoundError):
        find(organization, organization.public_id)
