"""Invoices and the overview of the fake Stripe, as a browser sees them."""

import re
from collections.abc import Iterator
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.common.stripe_shop import APRIL, HOUR, MAY, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def _open(shop: Shop, path: str, **form: str) -> str:
    """The page that the browser ends at."""
    return _read(shop.fake.url + path, form).decode()


def _read(address: str, form: dict[str, str] | None = None) -> bytes:
    try:
        origin = {"Origin": "{0.scheme}://{0.netloc}".format(urlsplit(address))}
        asked = Request(address, urlencode(form).encode() if form else None, origin)  # noqa: S310
        with urlopen(asked) as answer:  # noqa: S310
            return bytes(answer.read())
    except HTTPError as error:
        return error.read()


def _unpaid(shop: Shop) -> str:
    shop.buy(shop.pro, payment_method=shop.attach("pm_card_chargeCustomerFail"))
    shop.advance(APRIL + HOUR + 1)
    return str(shop.invoices()[0].id)


def test_an_invoice_is_read_and_kept(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "launch", "percent_off": 50, "duration": "once"})
    shop.buy(shop.pro, coupon="launch", anchor=None)
    [invoice] = shop.invoices()
    page = _open(shop, invoice.hosted_invoice_url.removeprefix(shop.fake.url))
    for said in (invoice.number, "$49.00", "−$24.50", "$24.50", "Ann", "no money moves"):
        assert said in page
    assert "Pay this invoice" not in page
    file = _read(invoice.invoice_pdf)
    assert file.startswith(b"%PDF-1.4")
    assert b"(TEST INVOICE: no money moves)" in file
    assert "1 × Pro \\(at $49.00 / month\\)".encode("cp1252") in file
    table = int(file.split(b"startxref\n")[1].split()[0])
    assert file[table:].startswith(b"xref\n0 7\n")
    for number, place in enumerate(re.findall(rb"(\d{10}) 00000 n", file), 1):
        assert file[int(place) :].startswith(b"%d 0 obj" % number)


def test_an_open_invoice_is_paid_with_another_card(shop: Shop) -> None:
    invoice = _unpaid(shop)
    assert "Pay $49.00" in _open(shop, f"/invoice/{invoice}")
    assert "Your card was declined." in _open(shop, f"/invoice/{invoice}/pay", card="declined")
    assert "Choose one of the test cards." in _open(shop, f"/invoice/{invoice}/pay", card="4242424242424242")
    assert "Pay this invoice" not in _open(shop, f"/invoice/{invoice}/pay", card="succeeds")
    assert shop.invoices()[0].status == "paid"
    shop.advance(MAY + 2 * HOUR)
    assert shop.invoices()[0].status == "paid"  # the new card is charged from now on


def test_the_bank_may_ask_first(shop: Shop) -> None:
    invoice = _unpaid(shop)
    failed = shop.events().count("invoice.payment_failed")
    assert "Your bank asks who is paying" in _open(shop, f"/invoice/{invoice}/pay", card="three_d_secure")
    assert shop.events().count("invoice.payment_failed") == failed
    assert "unable to authenticate" in _open(shop, f"/invoice/{invoice}/authenticate", outcome="fail")
    assert shop.invoices()[0].status == "open"
    _open(shop, f"/invoice/{invoice}/pay", card="three_d_secure")
    _open(shop, f"/invoice/{invoice}/authenticate", outcome="complete")
    assert shop.invoices()[0].status == "paid"


def test_the_overview_lets_time_pass(shop: Shop) -> None:
    assert "There are no subscriptions yet." in _open(shop, "/")
    shop.buy(shop.pro, shop.calls)
    page = _open(shop, "/")
    assert "1 × Pro, Calls by use" in page
    assert "The next renewal is on 1 Apr 2031" in page
    assert "13 Mar 2031" in _open(shop, "/advance", to="day")
    assert "The next renewal is on 1 May 2031" in _open(shop, "/advance", to="renewal")
    assert shop.invoices()[0].amount_paid == 4900


def test_what_customers_call_themselves_is_only_text(shop: Shop) -> None:
    shop.v1.customers.update(shop.customer, {"name": "<script>alert(1)</script>"})
    shop.buy(shop.pro)
    assert "<script>" not in _open(shop, "/") + _open(shop, f"/invoice/{shop.invoices()[0].id}")
