"""That what checks requests and answers against the library's types sees what is wrong with them."""

from typing import Any

import pytest
from stripe import InvoiceService, PriceService
from stripe.billing import MeterEventService, MeterService
from stripe.checkout import SessionService

from tests.contracts.stripe.shapes import Asked, problems_of_answer, problems_of_request


@pytest.mark.parametrize(
    ("service", "call", "params", "problems"),
    [
        (PriceService, "create", {"currency": "usd"}, []),
        (PriceService, "create", {}, ["[currency] is missing"]),
        (PriceService, "create", {"currency": "usd", "unit_amount": "5"}, ["unit_amount is no int"]),
        (PriceService, "create", {"currency": "usd", "unit_amount": True}, ["unit_amount is no int"]),
        (PriceService, "create", {"currency": "usd", "unit_amount_decimal": 1}, ["unit_amount_decimal is no Decimal"]),
        (PriceService, "create", {"currency": "usd", "amount": 5}, ["amount is unknown"]),
        (PriceService, "create", {"currency": "usd", "tax_behavior": "perhaps"}, ["tax_behavior is 'perhaps'"]),
        (PriceService, "create", {"currency": "usd", "recurring": {}}, ["recurring[interval] is missing"]),
        (PriceService, "create", {"currency": "usd", "metadata": {"a": 1}}, ["metadata is no dictionary of texts"]),
        (PriceService, "list", {"created": {"gte": 5}, "limit": 5}, []),
        (PriceService, "list", {"created": {"since": 5}}, ["created[since] is unknown"]),
        (SessionService, "create", {"line_items": [{"price": "p"}, {"prize": 1}]}, ["line_items[1][prize] is unknown"]),
        (SessionService, "create", {"expand": "url"}, ["expand is no list"]),
        (SessionService, "create", {"mode": "paying"}, ["mode is 'paying'"]),
        (SessionService, "create", {"api_key": "sk"}, ["api_key is unknown"]),
        (InvoiceService, "create_preview", {"subscription_details": {"proration_date": 1.5}},
         ["subscription_details[proration_date] is no int"]),
        (MeterEventService, "create", {"event_name": "e", "payload": {"v": 5}}, ["payload is no dictionary of texts"]),
        (MeterService, "create", {"event_name": "e", "display_name": "E", "default_aggregation": {"formula": "most"}},
         ["default_aggregation[formula] is 'most'"]),
    ],
)  # fmt: skip
def test_requests(service: Any, call: str, params: dict[str, Any], problems: list[str]) -> None:
    asked = Asked(service, call, params, {})
    assert list(problems_of_request(asked)) == [f"{service.__name__}.{call}: {problem}" for problem in problems]


def test_options() -> None:
    asked = Asked(PriceService, "create", {"currency": "usd"}, {"idempotency-key": "x"})
    assert list(problems_of_request(asked)) == ["PriceService.create: options ['idempotency-key']"]


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        ({"object": "customer", "id": "cus_1", "email": None, "created": 5}, []),
        ({"object": "customer", "id": "cus_1", "deleted": True}, []),
        ({"object": "customer", "id": 5}, ["<customer>.id is 5"]),
        ({"object": "customer", "id": None}, ["<customer>.id is None"]),
        ({"object": "customer", "mail": "a@example.com"}, ["<customer>.mail is unknown"]),
        ({"object": "customer", "address": {"street": "x"}}, ["<customer>.address.street is unknown"]),
        ({"object": "customer", "metadata": {"anything": "goes"}}, []),
        ({"object": "customer", "invoice_settings": {"default_payment_method": {"object": "payment_method", "card": {
            "number": "4242"}}}},
         ["<customer>.invoice_settings.default_payment_method<payment_method>.card.number is unknown"]),
        ({"object": "list", "data": [{"object": "invoice", "total": "5"}], "has_more": False, "url": "/v1"},
         ["<list>.data<invoice>.total is '5'"]),
        ({"object": "invoice", "status": "lost"}, ["<invoice>.status is 'lost'"]),
        ({"object": "nobody"}, ["the answer is no object of Stripe's"]),
        ([], ["the answer is no object of Stripe's"]),
    ],
)  # fmt: skip
def test_answers(answer: Any, problems: list[str]) -> None:
    assert list(problems_of_answer(answer)) == problems
