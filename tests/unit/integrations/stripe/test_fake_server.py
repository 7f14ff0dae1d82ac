"""The fake Stripe's wire: keys, forms, idempotency, lists, faults, and what survives a restart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe

from apps.integrations.stripe.fake import FakeStripe, Fault
from apps.integrations.stripe.fake.errors import FakeError, declined
from apps.integrations.stripe.fake.params import decode
from apps.integrations.stripe.fake.world import World


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with FakeStripe(deliver=False) as running:
        yield running


def client(fake: FakeStripe, key: str = "") -> Any:
    return stripe.StripeClient(key or fake.api_key, base_addresses={"api": fake.url}, max_network_retries=0).v1


def refusal(call: Any) -> stripe.StripeError:
    with pytest.raises(stripe.StripeError) as refused:
        call()
    return refused.value


def test_another_key_is_refused(fake: FakeStripe) -> None:
    error = refusal(lambda: client(fake, "sk_test_" + "0" * 40).customers.list())
    assert (type(error), error.http_status) == (stripe.AuthenticationError, 401)
    assert not fake.requests


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"product": "base", "currency": "usd", "unit_amount": 5, "colour": "red"}, "parameter_unknown", "colour"),
        ({"product": "base", "currency": "usd", "unit_amount": 5, "recurring": {"interval": "month", "size": 1}},
         "parameter_unknown", "recurring[size]"),
        ({"currency": "usd", "unit_amount": 5}, "parameter_missing", "product"),
        ({"product": "base", "unit_amount": 5}, "parameter_missing", "currency"),
        ({"product": "base", "currency": "usd", "unit_amount": -1}, "parameter_invalid_integer", "unit_amount"),
        ({"product": "base", "currency": "usd", "unit_amount": 10**9}, "parameter_invalid_integer", "unit_amount"),
        ({"product": "base", "currency": "usd", "unit_amount": "1.5"}, "parameter_invalid_integer", "unit_amount"),
        ({"product": "base", "currency": "zzz", "unit_amount": 5}, None, "currency"),
        ({"product": "none", "currency": "usd", "unit_amount": 5}, "resource_missing", "product"),
        ({"product": "base", "currency": "usd", "unit_amount_decimal": "0.1234567890123"}, None, "unit_amount_decimal"),
    ],
)  # fmt: skip
def test_a_wrong_form_is_refused_and_nothing_of_it_stays(
    fake: FakeStripe, params: dict[str, Any], code: str | None, param: str
) -> None:
    client(fake).products.create({"id": "base", "name": "Base"})
    error = refusal(lambda: client(fake).prices.create(params))
    assert (error.http_status, error.code, error.error and error.error.param) == (400, code, param)
    assert not fake.world.find("price")
    assert [event["type"] for event in fake.world.find("event")] == ["product.created"]


def test_a_key_makes_a_request_happen_once(fake: FakeStripe) -> None:
    ask, options = client(fake).customers, {"idempotency_key": "once"}
    first = ask.create({"email": "ann@example.com"}, options)
    again = ask.create({"email": "ann@example.com"}, options)
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert len(fake.world.find("customer")) == 1
    other = refusal(lambda: ask.create({"email": "bob@example.com"}, options))
    assert (type(other), other.http_status) == (stripe.IdempotencyError, 400)
    fake.world.advance(fake.world.now() + 24 * 3600)
    assert ask.create({"email": "bob@example.com"}, options).id != first.id


def test_a_key_is_free_again_after_a_wrong_form_but_not_after_a_refusal(fake: FakeStripe) -> None:
    ask, options = client(fake), {"idempotency_key": "k"}
    refusal(lambda: ask.customers.create({"colour": "red"}, options))
    ask.customers.create({"email": "ann@example.com"}, options)
    ask.products.create({"id": "base", "name": "Base"})
    twice = {"idempotency_key": "twice"}
    refusal(lambda: ask.products.create({"id": "base", "name": "Base"}, twice))
    refused = refusal(lambda: ask.products.create({"id": "base", "name": "Base"}, twice))
    assert refused.code == "resource_already_exists"
    assert refused.headers["Idempotent-Replayed"] == "true"


def test_faults_come_before_or_after_the_effect(fake: FakeStripe) -> None:
    ask = client(fake).customers
    fake.faults += [
        Fault(503),
        Fault(hang_up=True),
        Fault(hang_up=True, after_effect=True),
        Fault(429, after_effect=True),
    ]
    options = {"idempotency_key": "k"}
    assert refusal(lambda: ask.create({}, options)).http_status == 503
    assert isinstance(refusal(lambda: ask.create({}, options)), stripe.APIConnectionError)
    assert not fake.world.find("customer")
    assert isinstance(refusal(lambda: ask.create({}, options)), stripe.APIConnectionError)
    assert len(fake.world.find("customer")) == 1
    assert isinstance(refusal(lambda: ask.create({}, options)), stripe.RateLimitError)
    assert ask.create({}, options).id == fake.world.find("customer")[0]["id"]


def test_lists_go_on_where_they_ended(fake: FakeStripe) -> None:
    ask = client(fake)
    ids = [ask.customers.create({"name": str(number)}).id for number in range(5)]
    first = ask.customers.list({"limit": 2})
    assert ([one.id for one in first.data], first.has_more) == ([ids[4], ids[3]], True)
    assert [one.id for one in ask.customers.list({"limit": 2}).auto_paging_iter()] == ids[::-1]
    assert [one.id for one in ask.customers.list({"ending_before": ids[1], "limit": 2}).data] == [ids[3], ids[2]]
    later = fake.world.now() + 3600
    fake.world.advance(later)
    new = ask.customers.create({}).id
    assert [one.id for one in ask.customers.list({"created": {"gte": later}}).data] == [new]
    assert len(ask.customers.list({"created": {"lt": later}}).data) == 5


def test_ids_are_expanded_as_far_as_asked(fake: FakeStripe) -> None:
    ask = client(fake)
    ask.products.create({"id": "base", "name": "Base"})
    ask.prices.create({"product": "base", "currency": "usd", "unit_amount": 5})
    assert ask.prices.list({"expand": ["data.product"]}).data[0].product.name == "Base"
    assert refusal(lambda: ask.prices.list({"expand": ["data.colour"]})).http_status == 400


def test_what_was_asked_is_remembered(fake: FakeStripe) -> None:
    client(fake).customers.create({"metadata": {"org": "org_1"}}, {"idempotency_key": "k"})
    [asked] = fake.requests
    assert (asked.method, asked.path, asked.key) == ("POST", "/v1/customers", "k")
    assert asked.params == {"metadata": {"org": "org_1"}}


def test_brackets_are_nested() -> None:
    assert decode("a[b]=1&c[0][d]=2&c[1][d]=3&e[]=4&e[]=5&f=") == {
        "a": {"b": "1"}, "c": [{"d": "2"}, {"d": "3"}], "e": ["4", "5"], "f": "",
    }  # fmt: skip
    with pytest.raises(FakeError):
        decode("a=1&a[b]=2")


def test_a_block_is_undone_unless_it_keeps_its_effects() -> None:
    world = World()
    obj = world.add({"object": "thing", "id": "a", "size": 1})

    def change(error: Exception) -> None:
        with world.atomic():
            obj["size"] += 1
            world.save(obj)
            with world.atomic():
                world.add({"object": "thing", "id": "b"})
            raise error

    with pytest.raises(ValueError, match="no"):
        change(ValueError("no"))
    assert (obj["size"], world.find("thing")) == (1, [obj])
    with pytest.raises(FakeError):
        change(declined("card_declined"))
    assert (obj["size"], len(world.find("thing"))) == (2, 2)


def test_a_state_file_survives_a_restart(tmp_path: Path) -> None:
    with FakeStripe(state=tmp_path / "state.db", deliver=False) as before:
        customer = client(before).customers.create({"name": "Ann"}, {"idempotency_key": "k"}).id
        gone = client(before).coupons.create({"id": "GONE", "percent_off": 5}).id
        client(before).coupons.delete(gone)
        before.world.advance(before.world.now() + 7 * 24 * 3600)
        moment = before.world.now()
        client(before).customers.update(customer, {"name": "Bea"}, {"idempotency_key": "later"})
    with FakeStripe(state=tmp_path / "state.db", deliver=False) as after:
        assert client(after).customers.retrieve(customer).name == "Bea"
        assert client(after).customers.update(customer, {"name": "Bea"}, {"idempotency_key": "later"}).name == "Bea"
        assert not client(after).coupons.list().data
        assert after.world.now() >= moment
        assert [event["type"] for event in after.world.find("event")].count("customer.updated") == 1
