"""The fake Stripe's HTTP: keys, idempotency, faults on demand, and a record of what was asked."""

import hmac
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from apps.integrations.fakes import FakeServer, Reply
from apps.integrations.stripe.fake.errors import FakeError, unknown_parameter
from apps.integrations.stripe.fake.pages import render
from apps.integrations.stripe.fake.params import Params, decode
from apps.integrations.stripe.fake.routing import Page, expand, find_answer, load
from apps.integrations.stripe.fake.webhooks import Postman, signed
from apps.integrations.stripe.fake.world import Object, World, shown

_LOCAL = ("127.0.0.1", "localhost", "[::1]")
KEYS_LAST = 24 * 3600  # seconds that an idempotency key is remembered
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class Fault:
    """The next answer to a call: a status with a body, or a broken connection, before or after the effect."""

    status: int = 500
    body: dict[str, Any] = field(default_factory=lambda: {"error": {"type": "api_error", "message": "Fault"}})
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    after_effect: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked. `params` is nested as it was meant, not as it was spelled."""

    method: str
    path: str
    params: dict[str, Any]
    key: str


class FakeStripe:
    """A small Stripe that keeps state, and answers until its block ends.

    In tests it is a context manager on a free port with everything in memory; `deliver=False` leaves it to the test to
    bring its events (`signed`). `address` is where browsers find its pages, if that is another place than `url`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state: Path | None = None,
        webhook_url: str = "",
        api_key: str = "",
        webhook_secret: str = "",
        deliver: bool = True,
        address: str = "",
    ) -> None:
        load()
        self.api_key = api_key or f"sk_test_{secrets.token_hex(24)}"
        self.webhook_secret = webhook_secret or f"whsec_{secrets.token_hex(24)}"
        self.requests: deque[Request] = deque(maxlen=1000)
        self.faults: list[Fault] = []
        self.world = World(state, webhook_url=webhook_url)
        self._server = FakeServer(host, port, self.answer)
        self.url = self._server.url
        self.world.address = address.rstrip("/") or self.url
        self._postman = Postman(self.world, self.webhook_secret) if deliver else None

    def __enter__(self) -> "FakeStripe":
        self._server.start()
        if self._postman:
            self._postman.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.stop()
        if self._postman:
            self._postman.end()
            self._postman.join(15)
        self.world.close()

    def signed(self, event: Object) -> tuple[bytes, dict[str, str]]:
        """Body and headers of the request that tells of an event."""
        return signed(event, self.webhook_secret)

    def forget_keys(self, before: int | None = None) -> None:
        """What happens to idempotency keys after a day."""
        with self.world.atomic():
            for kept in self.world.find("_answer"):
                if before is None or kept["created"] <= before:
                    self.world.remove(kept)

    # Answering ------------------------------------------------------------------------------------------------------
    def answer(self, method: str, address: str, headers: dict[str, str], raw: bytes) -> Reply | None:
        """The reply to one request; None where the connection is to break."""
        parts = urlsplit(address)
        path = unquote(parts.path)
        form = parts.query if method in ("GET", "DELETE") else raw.decode(errors="replace")
        if not path.startswith("/v1/"):
            return self._show(method, path, form, headers)
        request_id = f"req_{secrets.token_hex(7)}"
        extra = {"Request-Id": request_id, "Stripe-Version": headers.get("stripe-version", "")}
        if not self._knows(headers.get("authorization", "")):
            return _as_json(401, _WRONG_KEY.body, extra)
        key = headers.get("idempotency-key", "") if method == "POST" else ""
        with self.world.lock:
            try:
                values = decode(form)
            except FakeError as error:
                return _as_json(error.status, error.body, extra)
            self.requests.append(Request(method, path, values, key))
            fault = self.faults.pop(0) if self.faults else None
            if fault and not fault.after_effect:
                return _of_fault(fault, extra)
            self.world.catch_up()
            self.world.request = {"id": request_id, "idempotency_key": key or None}
            try:
                reply = self._once(method, path, values, key, extra)
            finally:
                self.world.request = {"id": None, "idempotency_key": None}
            return _of_fault(fault, extra) if fault and reply.status < 300 else reply

    def _once(self, method: str, path: str, values: dict[str, Any], key: str, extra: dict[str, str]) -> Reply:
        asked = json.dumps([method, path, values], sort_keys=True)
        self.forget_keys(self.world.now() - KEYS_LAST)
        if kept := self.world.known("_answer", key):
            if kept["asked"] != asked:
                error = FakeError(400, "idempotency_error", "", _OTHER_REQUEST.format(key))
                return _as_json(error.status, error.body, extra)
            return _as_json(kept["status"], kept["body"], {**extra, "Idempotent-Replayed": "true"})
        keep = bool(key)
        with self.world.atomic():  # one commit for the effect and what is remembered of it
            try:
                status, body = 200, self._do(method, path, values)
            except FakeError as error:
                status, body, keep = error.status, error.body, keep and not error.is_about_form
            if keep:
                self.world.add(
                    {
                        "object": "_answer", "id": key, "asked": asked, "status": status, "body": body,
                        "created": self.world.now(),
                    }
                )  # fmt: skip
        return _as_json(status, body, extra)

    def _do(self, method: str, path: str, values: dict[str, Any]) -> Object:
        answer, named = find_answer(method, path)
        params = Params({name: value for name, value in values.items() if name != "expand"})
        paths = values.get("expand", [])
        if not isinstance(paths, list):
            raise unknown_parameter("expand")
        with self.world.atomic():
            result: Object = shown(answer(self.world, params, **named))
            params.refuse_rest()
            return expand(self.world, result, paths)

    def _show(self, method: str, path: str, form: str, headers: dict[str, str]) -> Reply:
        with self.world.lock:
            self.world.catch_up()
            try:
                self._check_sender(method, headers)
                answer, named = find_answer(method, path)
                with self.world.atomic():
                    page: Page = answer(self.world, Params(decode(form)), **named)
            except FakeError as error:
                page = render("refused.html", status=error.status, message=error.message)
        content = page.content.encode() if isinstance(page.content, str) else page.content
        return Reply(page.status, content, {"Content-Type": page.type, **_PAGE_HEADERS, **page.headers})

    def _check_sender(self, method: str, headers: dict[str, str]) -> None:
        """Pages are for browsers that ask for them here: not under a name that somebody else points at this machine,
        and not on another site's behalf. Browsers say one of the two; who says neither is none."""
        port = self._server.port
        homes = {self.world.address, self.url, *(f"http://{name}:{port}" for name in _LOCAL)}
        if headers.get("host", "").lower() not in {urlsplit(home).netloc.lower() for home in homes}:
            raise FakeError(421, "invalid_request_error", "", "Test payments are not found under this name.")
        is_ours = headers.get("sec-fetch-site") == "same-origin" or headers.get("origin") in homes
        if method != "GET" and not is_ours:
            raise FakeError(403, "invalid_request_error", "", "Another site's page sent this.")

    def _knows(self, authorization: str) -> bool:
        return hmac.compare_digest(authorization.encode(), f"Bearer {self.api_key}".encode())


_WRONG_KEY = FakeError(401, "invalid_request_error", "", "Invalid API Key provided.")
_OTHER_REQUEST = (
    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
    "Try using a key other than '{}' if you meant to execute a different request."
)


def _as_json(status: int, body: Object, headers: dict[str, str]) -> Reply:
    return Reply(status, json.dumps(body, indent=2).encode(), {"Content-Type": "application/json", **headers})


def _of_fault(fault: Fault, extra: dict[str, str]) -> Reply | None:
    return None if fault.hang_up else _as_json(fault.status, fault.body, {**extra, **fault.headers})
