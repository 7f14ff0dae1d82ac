"""Events on their way to us: signed as Stripe signs them, sent again until they are taken.

What is still to be delivered is part of the world, so it survives a restart. The order is not promised, as at Stripe.
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import page_of, route
from apps.integrations.stripe.fake.world import Object, World, shown

EVENTS_LAST = 30 * 24 * 3600  # seconds that events can be listed, as at Stripe
PATIENCE = 3 * 24 * 3600  # seconds after which an event is given up, as at Stripe
_LONGEST_PAUSE = 600
_TIMEOUT = 10
_TICK = 1.0  # how often time that passes by itself is looked at


def signed(event: Object, secret: str) -> tuple[bytes, dict[str, str]]:
    """Body and headers of an event's request."""
    body = json.dumps(shown(event), indent=2).encode()
    moment = int(time.time())  # the real time: the receiver compares it with its own clock
    signature = hmac.new(secret.encode(), b"%d.%s" % (moment, body), hashlib.sha256).hexdigest()
    return body, {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": f"t={moment},v1={signature}",
        "User-Agent": "Stripe/1.0 (test payments)",
    }


class Postman(threading.Thread):
    """Brings events to `world.webhook_url`, and lets happen what falls due while nobody asks."""

    def __init__(self, world: World, secret: str) -> None:
        super().__init__(name="fake-stripe-webhooks", daemon=True)
        self._world = world
        self._secret = secret
        self._ended = False

    def run(self) -> None:
        """Until `end`."""
        while not self._ended:
            self._world.catch_up()
            for delivery, event in self._due():
                self._settle(delivery, event, self._bring(event))
            with self._world.lock:
                if not self._ended and not self._due():
                    self._world.changed.wait(_TICK)

    def end(self) -> None:
        """Stop as soon as the request on its way is answered."""
        with self._world.lock:
            self._ended = True
            self._world.changed.notify_all()

    def _due(self) -> list[tuple[Object, Object]]:
        with self._world.lock:
            if not self._world.webhook_url or self._ended:
                return []
            moment = time.time()
            due = [one for one in self._world.find("_delivery") if one["due"] <= moment]
            return [(one, self._world.get("event", one["id"])) for one in due]

    def _bring(self, event: Object) -> bool:
        address = urlsplit(self._world.webhook_url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        connection = kind(address.netloc, timeout=_TIMEOUT)
        body, headers = signed(event, self._secret)
        try:
            connection.request("POST", f"{address.path}?{address.query}".rstrip("?"), body, headers)
            return 200 <= connection.getresponse().status < 300
        except (OSError, http.client.HTTPException):  # nobody there: told again later
            return False
        finally:
            connection.close()

    def _settle(self, delivery: Object, event: Object, taken: bool) -> None:
        with self._world.atomic():
            if self._world.known("_delivery", delivery["id"]) is None:
                return
            delivery["attempts"] += 1
            pause = min(2 ** min(delivery["attempts"] - 1, 20), _LONGEST_PAUSE)
            if taken:
                event["pending_webhooks"] = 0
                self._world.save(event)
            if taken or delivery["attempts"] * _LONGEST_PAUSE > PATIENCE:
                self._world.remove(delivery)
                return
            delivery["due"] = time.time() + pause
            self._world.save(delivery)


@route("GET", "/v1/events")
def list_events(world: World, params: Params) -> Object:
    """What happened within the last 30 days, the latest first."""
    types = params.texts("types") or ([params.text("type")] if params.text("type") else [])
    events = [event for event in world.find("event") if event["created"] > world.now() - EVENTS_LAST]
    events = [event for event in events if not types or event["type"] in types]
    return page_of(world, params, events, "/v1/events")


@route("GET", "/v1/events/{event}")
def retrieve_event(world: World, params: Params, event: str) -> Object:
    """One of them."""
    return world.get("event", event, in_path=True)
