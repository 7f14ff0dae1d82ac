"""Our own account at the fake Stripe, and its test clock."""

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World

ACCOUNT = "acct_1TestPayments00"
_CLOCK = "test_helpers.test_clock"
_CLOCKS_LAST = 30 * 24 * 3600


@route("GET", "/v1/account")
def retrieve_own_account(world: World, params: Params) -> Object:
    """Whose key it is."""
    return {
        "id": ACCOUNT,
        "object": "account",
        "business_profile": {
            "mcc": "5734",
            "name": "Test payments",
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "capabilities": {"card_payments": "active"},
        "charges_enabled": True,
        "country": "US",
        "created": 1_700_000_000,
        "default_currency": "usd",
        "details_submitted": True,
        "email": "test-payments@example.com",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Test payments", "timezone": "Etc/UTC"}},
        "type": "standard",
    }


@route("GET", "/v1/accounts/{account}")
def retrieve_account(world: World, params: Params, account: str) -> Object:
    """The same by its id."""
    if account != ACCOUNT:
        raise invalid(f"No such account: '{account}'", "account", "resource_missing")
    return retrieve_own_account(world, params)


# The test clock: Stripe gives each its own customers; here one clock is everybody's time ----------------------------
@route("POST", "/v1/test_helpers/test_clocks")
def create_clock(world: World, params: Params) -> Object:
    """Make time ours to move. It moves for the whole fake, and only forward: `frozen_time` may not be past."""
    moment = params.moment("frozen_time")
    if moment is None:
        raise invalid("Missing required param: frozen_time.", "frozen_time", "parameter_missing")
    name = params.text("name", most=300) or None
    params.refuse_rest()
    _move(world, moment)
    clock = world.add(
        {
            "id": world.new_id("clock"),
            "object": _CLOCK,
            "created": world.now(),
            "deletes_after": world.now() + _CLOCKS_LAST,
            "frozen_time": moment,
            "livemode": False,
            "name": name,
            "status": "ready",
            "status_details": {},
        }
    )
    world.emit("test_helpers.test_clock.created", clock)
    return clock


@route("GET", "/v1/test_helpers/test_clocks")
def list_clocks(world: World, params: Params) -> Object:
    """Test clocks, the latest first."""
    return page_of(world, params, world.find(_CLOCK), "/v1/test_helpers/test_clocks")


@route("GET", "/v1/test_helpers/test_clocks/{clock}")
def retrieve_clock(world: World, params: Params, clock: str) -> Object:
    """One of them."""
    return world.get(_CLOCK, clock, in_path=True)


@route("POST", "/v1/test_helpers/test_clocks/{clock}/advance")
def advance_clock(world: World, params: Params, clock: str) -> Object:
    """Let time pass until then. What falls due has happened when this answers."""
    obj = world.get(_CLOCK, clock, in_path=True)
    moment = params.moment("frozen_time")
    if moment is None:
        raise invalid("Missing required param: frozen_time.", "frozen_time", "parameter_missing")
    params.refuse_rest()
    world.emit("test_helpers.test_clock.advancing", obj)
    _move(world, moment)
    obj["frozen_time"] = moment
    world.save(obj)
    world.emit("test_helpers.test_clock.ready", obj)
    return obj


def _move(world: World, moment: int) -> None:
    if moment < world.now():
        raise invalid("Test clocks only go forward here: frozen_time is past.", "frozen_time")
    world.advance(moment)
