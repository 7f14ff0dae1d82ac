"""Staff look at what is mirrored: found by Stripe's ids, and never more than a page of it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse
from djstripe.models import APIKey, Charge, Customer, Event, Invoice, Price, Refund, WebhookEndpoint

from apps.integrations.stripe.admin import MirroredAdmin
from apps.integrations.stripe.mirror import forget, mirror
from levqor.admin import LevqorAdminSite
from tests.common import stripe_raw as raw
from tests.common.roles import client_of
from tests.common.staff import list_address, row_address

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored():
    for one in raw.everything():
        mirror(one["object"], one)


def text_of(client, address, **query):
    response = client.get(address, query, follow=True)
    assert response.status_code == 200, address
    return response.content.decode()


def test_a_pasted_id_leads_to_its_row(stored, staff):
    client = client_of(staff)
    for model, pasted in ((Invoice, "in_1"), (Refund, " re_1 "), (Customer, "cus_1")):
        answer = client.get(list_address(model), {"q": pasted})
        assert answer.headers["Location"] == row_address(model.objects.get())
    assert not list(client.get(list_address(Customer), {"q": "cus_"}).context["cl"].result_list)


def test_what_hangs_on_a_row_is_one_click_away(stored, staff):
    mirror("charge", raw.charge(id="ch_2", customer="cus_2"))
    client = client_of(staff)
    assert "?customer=cus_1" in text_of(client, row_address(Customer.objects.get(id="cus_1")))
    listed = client.get(list_address(Charge), {"customer": "cus_1"}).context["cl"].result_list
    assert [row.id for row in listed] == ["ch_1"]
    assert client.get(list_address(Charge), {"stripe_data__status": "paid"}).status_code == 400


def test_amounts_are_written_in_their_currency(stored, staff):
    mirror("charge", raw.charge(id="ch_2", currency="jpy", amount=500))
    mirror("price", raw.price(id="price_2", unit_amount=None, unit_amount_decimal="0.15"))
    client = client_of(staff)
    charges, prices = text_of(client, list_address(Charge)), text_of(client, list_address(Price))
    assert "$147.00" in charges
    assert "¥500" in charges
    assert "$49.00" in prices
    assert "0.15 usd" in prices


def test_rows_that_are_only_named_or_deleted_have_their_pages(staff):
    mirror("refund", raw.refund())
    mirror("invoice", raw.invoice())
    forget("invoice", "in_1")
    mirror("price", raw.price())
    client = client_of(staff)
    for model, word in ((Charge, "only named so far"), (Customer, "only named so far"), (Invoice, "deleted")):
        assert word in text_of(client, list_address(model))
        assert word in text_of(client, row_address(model.objects.get()))
    assert text_of(client, row_address(Price.objects.get()))


def test_a_list_reads_no_row_that_it_names(stored, staff):
    client = client_of(staff)
    client.get(list_address(Refund))

    def asked():
        with CaptureQueriesContext(connection) as captured:
            client.get(list_address(Refund))
        return len(captured)

    few = asked()
    for number in range(60):
        mirror("refund", raw.refund(id=f"re_{number}", charge=f"ch_{number}"))
    assert asked() == few


def test_keys_endpoints_and_events_have_no_page(staff):
    for model in (APIKey, WebhookEndpoint, Event):
        with pytest.raises(NoReverseMatch):
            reverse(f"admin:djstripe_{model._meta.model_name}_changelist")
        assert client_of(staff).get(f"/admin/djstripe/{model._meta.model_name}/").status_code == 404


def test_pages_are_read_only(stored, staff):
    client = client_of(staff)
    assert client.get(f"{list_address(Customer)}add/").status_code == 403
    assert client.post(row_address(Customer.objects.get()), {"email": "x"}).status_code == 403
    address = reverse("admin:djstripe_customer_delete", args=[Customer.objects.get().pk])
    assert client.post(address, {"post": "yes"}).status_code == 403
    assert Customer.objects.count() == 1


def test_the_site_takes_our_pages_alone():
    site = LevqorAdminSite()
    site.register(APIKey)
    assert not site.is_registered(APIKey)
    site.register(Customer, MirroredAdmin)
    assert site.is_registered(Customer)
