"""Usage by billing meters: events, taking them back, and what they add up to."""

from collections.abc import Iterator

from apps.integrations.stripe.fake.errors import invalid, missing_parameter
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import list_of, route
from apps.integrations.stripe.fake.world import Object, World

DAY = 24 * 3600
OLDEST, NEWEST = 35 * DAY, 300  # seconds that an event may lie behind and ahead
_WINDOWS = {"hour": 3600, "day": DAY}


@route("POST", "/v1/billing/meter_events")
def report(world: World, params: Params) -> Object:
    """Add to a customer's usage. An identifier of the last day is refused, as Stripe does, with no code but a message.

    A customer that doesn't exist is accepted: Stripe, too, looks only later.
    """
    event_name = params.text("event_name", required=True, most=100)
    meter = _meter_named(world, event_name)
    payload = params.metadata(name="payload")
    customer = _of_payload(payload, meter["customer_mapping"]["event_payload_key"])
    value = _of_payload(payload, meter["value_settings"]["event_payload_key"])
    if not value.lstrip("-").isdecimal():
        raise invalid(f"Invalid value: {value}. It must be a whole number.", "payload[value]")
    now = world.now()
    named = params.moment("timestamp") or now - world.skipped
    timestamp = named + world.skipped
    if not now - OLDEST <= timestamp <= now + NEWEST:
        raise invalid(
            "The timestamp must be within the past 35 calendar days or up to 5 minutes in the future.", "timestamp"
        )
    identifier = params.text("identifier", most=100) or world.new_id("mev")
    if any(known["received"] > now - DAY for known in world.find("_usage", identifier=identifier)):
        raise invalid(f"An event already exists with identifier {identifier}.", "identifier")
    world.add(
        {
            "object": "_usage",
            "id": world.new_id("usage"),
            "meter": meter["id"],
            "identifier": identifier,
            "customer": customer,
            "value": int(value),
            "timestamp": timestamp,
            "named": named,
            "received": now,
        }
    )
    return {
        "object": "billing.meter_event",
        "created": now,
        "event_name": event_name,
        "identifier": identifier,
        "livemode": False,
        "payload": payload,
        "timestamp": named,
    }


@route("POST", "/v1/billing/meter_event_adjustments")
def take_back(world: World, params: Params) -> Object:
    """Cancel an event that was received within the last day."""
    event_name = params.text("event_name", required=True)
    params.choice("type", ["cancel"], required=True)
    identifier = params.child("cancel").text("identifier", required=True)
    meter = _meter_named(world, event_name)
    recent = [
        usage
        for usage in world.find("_usage", meter=meter["id"], identifier=identifier)
        if usage["received"] > world.now() - DAY
    ]
    if not recent:
        raise invalid(
            f"No event found with identifier {identifier} in the last 24 hours.",
            "cancel[identifier]",
            "resource_missing",
        )
    for usage in recent:
        usage["value"] = 0  # it keeps its identifier: that can't be used again
        world.save(usage)
    return {
        "object": "billing.meter_event_adjustment",
        "cancel": {"identifier": identifier},
        "event_name": event_name,
        "livemode": False,
        "status": "complete",
        "type": "cancel",
    }


@route("GET", "/v1/billing/meters/{meter}/event_summaries")
def summaries(world: World, params: Params, meter: str) -> Object:
    """What a customer's usage adds up to in a time of full minutes, at once or by hour or day."""
    world.get("billing.meter", meter, "meter", in_path=True)
    customer = params.text("customer", required=True)
    bounds = [params.integer(name, required=True) for name in ("start_time", "end_time")]
    window = params.choice("value_grouping_window", _WINDOWS)
    step = _WINDOWS.get(window, 60)
    for bound, name in zip(bounds, ("start_time", "end_time"), strict=True):
        if bound % step:
            raise invalid(f"{name} must be aligned with {window or 'minute'} boundaries.", name)
    if bounds[0] >= bounds[1]:
        raise invalid("end_time must be after start_time.", "end_time")
    limit = params.integer("limit", 10, least=1, most=100)
    after = params.text("starting_after")
    found = [
        {
            "object": "billing.meter_event_summary",
            "id": f"mtrusg_{start}_{end}",
            "aggregated_value": float(usage(world, meter, customer, start, end, clock="named")),
            "end_time": end,
            "livemode": False,
            "meter": meter,
            "start_time": start,
        }
        for start, end in _windows(bounds[0], bounds[1], _WINDOWS.get(window, bounds[1] - bounds[0]))
    ][::-1]
    place = next((at + 1 for at, one in enumerate(found) if one["id"] == after), 0)
    url = f"/v1/billing/meters/{meter}/event_summaries"
    return list_of(found[place : place + limit], url, has_more=len(found) > place + limit)


def usage(world: World, meter: str, customer: str, start: int, end: int, *, clock: str = "timestamp") -> int:
    """What was used from start on, before end; by callers' clocks with `clock="named"`. Corrections can't make it less
    than nothing."""
    found = world.find("_usage", meter=meter, customer=customer)
    values: list[int] = [one["value"] for one in found if start <= int(one.get(clock) or one["timestamp"]) < end]
    return max(0, sum(values))


def _windows(start: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    for at in range(start, end, step):
        yield at, min(at + step, end)


def _meter_named(world: World, event_name: str) -> Object:
    for meter in world.find("billing.meter", event_name=event_name, status="active"):
        return meter
    raise invalid(f'No active meter found for event name "{event_name}".', "event_name", "resource_missing")


def _of_payload(payload: dict[str, str], key: str) -> str:
    if key not in payload:
        raise missing_parameter(f"payload[{key}]")
    return payload[key]
