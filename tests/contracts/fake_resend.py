"""A small Resend on loopback that keeps state: `POST /emails` with keys, idempotency, limits and faults on demand."""

import json
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

API_KEY = "re_test_key"
FIELDS = {
    "from",
    "to",
    "cc",
    "bcc",
    "reply_to",
    "subject",
    "text",
    "html",
    "headers",
    "tags",
    "attachments",
    "scheduled_at",
}
TAG_CHARACTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


@dataclass
class Fault:
    """The next answer: a status with a body, or a broken connection (before or after the mail was accepted)."""

    status: int = 500
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    after_accepting: bool = False


class FakeResend:
    """Accepts mail as Resend documents it and remembers each one once per idempotency key."""

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay  # seconds between accepting and answering
        self.accepted: dict[str, dict[str, Any]] = {}
        self.requests: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        self._by_key: dict[str, tuple[str, str]] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> "FakeResend":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def forget_keys(self) -> None:
        """What happens after 24 hours."""
        self._by_key.clear()

    def answer(self, path: str, headers: dict[str, str], raw: bytes) -> tuple[int, dict[str, Any], dict[str, str]]:
        """(status, body, headers) of one request."""
        if headers.get("authorization") != f"Bearer {API_KEY}":
            return _error(403, "invalid_api_key", "API key is invalid")
        if path != "/emails":
            return _error(404, "not_found", "The requested endpoint does not exist")
        try:
            mail = json.loads(raw)
        except ValueError:
            return _error(400, "validation_error", "The body is no JSON")
        key = headers.get("idempotency-key", "")
        with self._lock:
            self.requests.append({"key": key, "mail": mail})
            fault = self.faults.pop(0) if self.faults else None
            if fault and not fault.after_accepting:
                return (0, {}, {}) if fault.hang_up else (fault.status, fault.body, fault.headers)
            answer = self._accept(key, mail)
            if fault and answer[0] == 200:
                return (0, {}, {}) if fault.hang_up else (fault.status, fault.body, fault.headers)
            return answer

    def _accept(self, key: str, mail: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        if key and not 1 <= len(key) <= 256:
            return _error(400, "invalid_idempotency_key", "The key must be between 1-256 chars")
        if problem := _problem(mail):
            return _error(422, *problem)
        spelling = json.dumps(mail, sort_keys=True)
        if key in self._by_key:
            known, before = self._by_key[key]
            if before != spelling:
                return _error(
                    409, "invalid_idempotent_request", "Same idempotency key used with a different request payload"
                )
            return 200, {"id": known}, {}
        new = str(uuid.uuid4())
        self.accepted[new] = mail
        if key:
            self._by_key[key] = (new, spelling)
        return 200, {"id": new}, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, body, extra = fake.answer(self.path, headers, raw)
                time.sleep(fake.delay)
                if status == 0:
                    self.close_connection = True
                    return
                content = json.dumps(body).encode()
                with suppress(BrokenPipeError, ConnectionResetError):  # whoever asked was killed meanwhile
                    self._write(status, extra, content)

            def _write(self, status: int, extra: dict[str, str], content: bytes) -> None:
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(content)),
                    **extra,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler


def _problem(mail: dict[str, Any]) -> tuple[str, str] | None:
    if missing := [name for name in ("from", "to", "subject") if not mail.get(name)]:
        return "missing_required_field", f"Missing `{missing[0]}` field."
    if unknown := mail.keys() - FIELDS:
        return "validation_error", f"Unknown fields: {sorted(unknown)}"
    if any("@" not in address for address in mail["to"]):
        return "validation_error", "Invalid `to` field."
    if any("\n" in str(value) for value in (mail["subject"], *mail.get("headers", {}).values())):
        return "validation_error", "The `\\n` is not allowed in headers."
    if any(name.lower() in ("date", "message-id") for name in mail.get("headers", {})):
        return "validation_error", "This header is set by Resend."
    for tag in mail.get("tags", []):
        if set(tag) != {"name", "value"} or not set(tag["name"] + tag["value"]) <= TAG_CHARACTERS:
            return "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or dashes."
    return None


def _error(status: int, name: str, message: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    return status, {"statusCode": status, "name": name, "message": message}, {}
