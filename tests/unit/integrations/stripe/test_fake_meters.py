"""Usage at the fake Stripe: counted once, taken back within a day, added up by minutes."""

from collections.abc import Iterator

import pytest
import stripe

from tests.common.stripe_shop import DAY, HOUR, Shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def _sum(shop: Shop, start: int, end: int, **more: str) -> list[float]:
    params = {"customer": shop.customer, "start_time": start, "end_time": end, **more}
    return [one.aggregated_value for one in shop.v1.billing.meters.event_summaries.list(shop.meter, params).data]


def test_an_identifier_counts_once_in_a_day(shop: Shop) -> None:
    start = shop.now() // DAY * DAY
    shop.use(5, identifier="a")
    with pytest.raises(stripe.InvalidRequestError, match="An event already exists with identifier a"):
        shop.use(5, identifier="a")
    assert _sum(shop, start, start + DAY) == [5]
    shop.advance(shop.now() + DAY + 60)
    shop.use(7, identifier="a")  # Stripe has forgotten it
    assert _sum(shop, start, start + 3 * DAY) == [12]


def test_what_was_reported_can_be_taken_back_within_a_day(shop: Shop) -> None:
    start = shop.now() // DAY * DAY
    shop.use(5, identifier="a")
    shop.use(6, identifier="b")
    adjustment = {"event_name": "calls", "type": "cancel", "cancel": {"identifier": "a"}}
    assert shop.v1.billing.meter_event_adjustments.create(adjustment).cancel.identifier == "a"
    assert _sum(shop, start, start + 3 * DAY) == [6]
    with pytest.raises(stripe.InvalidRequestError):
        shop.use(5, identifier="a")
    shop.advance(shop.now() + DAY + 60)
    late = {"event_name": "calls", "type": "cancel", "cancel": {"identifier": "b"}}
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.billing.meter_event_adjustments.create(late)


def test_summaries_are_of_full_minutes_hours_and_days(shop: Shop) -> None:
    start = shop.now() // DAY * DAY + DAY
    shop.advance(start + 3 * HOUR)
    for value, at in ((1, start), (2, start + 60), (4, start + HOUR), (8, start - 1)):
        shop.use(value, at=at)
    assert _sum(shop, start, start + 60) == [1]
    assert _sum(shop, start, start + 2 * HOUR, value_grouping_window="hour") == [4, 3]
    assert _sum(shop, start - DAY, start + DAY, value_grouping_window="day") == [7, 8]
    for start_time, more in ((start + 1, {}), (start + 60, {"value_grouping_window": "hour"})):
        with pytest.raises(stripe.InvalidRequestError, match="aligned"):
            _sum(shop, start_time, start + DAY, **more)


def test_what_no_meter_takes_is_refused(shop: Shop) -> None:
    for at in (shop.now() - 36 * DAY, shop.now() + HOUR):
        with pytest.raises(stripe.InvalidRequestError, match="within the past 35 calendar days"):
            shop.use(1, at=at)
    for payload in ({"value": "1"}, {"stripe_customer_id": shop.customer}, {"stripe_customer_id": "x", "value": "1.5"}):
        with pytest.raises(stripe.InvalidRequestError):
            shop.v1.billing.meter_events.create({"event_name": "calls", "payload": payload})
    with pytest.raises(stripe.InvalidRequestError, match="No active meter"):
        shop.v1.billing.meter_events.create({"event_name": "unknown", "payload": {"value": "1"}})
