"""Where the calls of the gateway go, what is on sale there, and that all that is said is of the library's types."""

import os
import uuid
from collections.abc import Iterator

import pytest

from apps.integrations.stripe.fake import FakeStripe
from apps.integrations.stripe.gateway import StripeGateway
from tests.contracts.stripe.far_end import RUN, AtStripe, AtTheFake, FarEnd, Shop
from tests.contracts.stripe.shapes import Conversation, listen

KEY = os.environ.get("STRIPE_TEST_KEY", "")
FAR_ENDS = ["fake", "stripe"] if KEY.startswith(("sk_test_", "rk_test_")) else ["fake"]


@pytest.fixture(scope="module", params=FAR_ENDS)
def far_end(request: pytest.FixtureRequest) -> Iterator[FarEnd]:
    """Where the calls of a test go."""
    if request.param == "stripe":
        yield AtStripe(KEY)
        return
    with FakeStripe(deliver=False) as fake:
        yield AtTheFake(fake)


@pytest.fixture
def stripe(far_end: FarEnd) -> StripeGateway:
    """The gateway."""
    return far_end.gateway


@pytest.fixture
def fake(far_end: FarEnd) -> AtTheFake:
    """For what only the fake's pages and banks can do on demand."""
    if not isinstance(far_end, AtTheFake):
        pytest.skip("Needs a person, or a bank, at the far end.")
    return far_end


@pytest.fixture(scope="module")
def shop(far_end: FarEnd) -> Shop:
    """A product with prices of each kind."""
    gateway, product = far_end.gateway, f"pro_{RUN}"
    gateway.create_product(product, name="Pro", description="", tax_code="", metadata={}, key=f"{RUN}-product")
    meter = gateway.create_meter(f"calls_{RUN}", name="Calls", key=f"{RUN}-meter").id

    def price(code: str, amount: str, interval: str = "", meter: str = "") -> str:
        return gateway.create_price(
            product, lookup_key=f"{code}_{RUN}", currency="USD", amount=amount, interval=interval, meter=meter,
            metadata={"code": code}, key=f"{RUN}-{code}",
        ).id  # fmt: skip

    coupon = f"LAUNCH_{RUN}"
    gateway.create_coupon(
        coupon, name="Launch", percent="50", duration="once", metadata={"code": "launch"}, key=f"{RUN}-coupon"
    )
    return Shop(
        once=price("once", "9900"),
        monthly=price("monthly", "2000", "month"),
        bigger=price("bigger", "5000", "month"),
        by_use=price("by_use", "0.15", "month", meter),
        meter=meter,
        coupon=coupon,
    )


@pytest.fixture
def customer(stripe: StripeGateway) -> str:
    """Somebody new."""
    made = stripe.create_customer(
        email="ada@example.com", name="Ada", metadata={"organization": "org_1"}, key=uuid.uuid4().hex
    )
    return made.id


@pytest.fixture
def conversation(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> Iterator[Conversation]:
    """All that is said in a test is of the library's types."""
    heard = listen(monkeypatch)
    yield heard
    assert heard.asked
    assert heard.problems() == []
