"""What is stored of an object is named, and named as Stripe names it."""

import re
from pathlib import Path

import pytest
import stripe

from apps.integrations.stripe.kept import KEPT, id_of, kept
from apps.integrations.stripe.mirror import MODELS
from tests.common.stripe_raw import LEAK, customer

SOURCES = Path(stripe.__file__).parent
LOOKS_SECRET = re.compile(
    r"secret|token|fingerprint|address|email|phone|^ip|iin|url|pdf|^evidence$|wallet|network_transaction|authorization"
    r"|tax_id|^shipping$|iban|routing|account|billing_details|comment"
)  # fmt: skip
ANNOTATED = re.compile(r"^ +(\w+): ", re.MULTILINE)


def annotations(model):
    """Every name that stripe-python knows in an object of this kind, and in what Stripe may send inside of it."""
    own = Path(SOURCES, *model.stripe_class.__module__.split(".")[1:]).with_suffix(".py")
    inside = ("balance_transaction", "discount", "invoice_line_item", "invoice_payment", "line_item", "price", "refund")
    parts = [SOURCES / f"_{name}.py" for name in (*inside, "subscription_item", "list_object")]
    return {name for path in (own, *parts) for name in ANNOTATED.findall(path.read_text())}


def test_every_kind_that_is_mirrored_is_described():
    assert KEPT.keys() == MODELS.keys()


@pytest.mark.parametrize("kind", KEPT)
def test_nothing_that_is_kept_looks_secret_or_is_unknown_to_stripe(kind):
    assert not [name for name in KEPT[kind] if LOOKS_SECRET.search(name)]
    of_older_versions = {"coupon", "charge", "payment_intent", "source"}
    assert KEPT[kind] - annotations(MODELS[kind]) - {"deleted"} <= of_older_versions


def test_what_stripe_adds_is_not_stored():
    added = customer(new_secret=LEAK, discount={"id": "di_1", "object": "discount", "new": LEAK, "start": 1})
    assert LEAK not in str(kept("customer", added))
    assert kept("customer", added)["discount"] == {"id": "di_1", "object": "discount", "start": 1}


def test_our_own_metadata_stays_whole():
    assert kept("customer", customer(metadata={"email": "x"}))["metadata"] == {"email": "x"}


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), ({"id": "a", "x": 1}, "a"), (None, ""), ({}, "")])
def test_an_object_is_known_by_its_id(value, expected):
    assert id_of(value) == expected
