"""The log of API requests: noted in memory, written a second later, so that no call waits for it.

It is for developers to look things up, not for the bill: a process that is killed loses its last second.
"""

import re
import threading
import time
from collections import deque
from typing import Any
from urllib.parse import unquote_plus

import structlog
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path

from apps.accounts import key_format
from apps.core.ids import new_hex
from apps.core.scrubbing import REMOVED
from apps.core.secret_names import SECRET_NAME
from apps.usage import request_store
from apps.usage.gate.port import Call, Verdict
from apps.usage.models import ApiRequest

log = structlog.get_logger(__name__)

LONGEST_BODY, LONGEST_PATH = 8_000, 500
WITHOUT_BODY = frozenset(
    {"secrets", "auth", "keys", "key", "secret-scanning"}
)  # what is sent there is a secret, or makes one
BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})  # what they bring along is read by no view
PLAIN_PATH = re.compile(f"[A-Za-z0-9/_-]{{1,{LONGEST_PATH}}}")  # nothing of it need be looked at
WAITING_MOST = 20_000
EVERY_SECONDS = 1.0

LeftOut = ApiRequest.LeftOut
_waiting: deque[dict[str, Any]] = deque(maxlen=WAITING_MOST)
_writer: threading.Thread | None = None
_lock = threading.Lock()


class _Refusals:
    """Whose call was refused in this minute already: who calls on as fast as they can would fill the log."""

    def __init__(self) -> None:
        self._minute, self._subjects = 0, set[str]()

    def is_first(self, subject: str) -> bool:
        """Whether it is the minute's first of this subject, in this process."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute, self._subjects = minute, set()
        if subject in self._subjects:
            return False
        self._subjects.add(subject)
        return True


_refusals = _Refusals()


def note(request: HttpRequest, response: HttpResponse, call: Call, verdict: Verdict, began: float) -> None:
    """Note a call of an organization; of those that the gate refused, one a minute and credential.

    `began` is of `time.perf_counter`.
    """
    if call.organization_id is None or (verdict.refusal and not _refusals.is_first(call.subject)):
        return
    path, address_left_out = _address(request.path, request.META.get("QUERY_STRING", ""))
    body, body_left_out = _body(request, call.category)
    _waiting.append(
        {
            "id": new_hex(),
            "organization_id": call.organization_id.hex,
            "user_id": call.user_id.hex,
            "key_id": call.key_id.hex,
            "request_id": call.request_id,
            "method": (request.method or "")[:8],
            "path": path,
            "category": call.category,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - began) * 1000),
            "address": request.META.get("REMOTE_ADDR") or None,
            "body": body,
            "left_out": address_left_out or body_left_out,
            "at": time.time(),
        }
    )
    if settings.REQUEST_LOG_IN_BACKGROUND:
        _see_that_somebody_writes()


def _address(path: str, query: str) -> tuple[str, str]:
    """The address as it is sent once more, without secrets; and what is left out."""
    if not query and PLAIN_PATH.fullmatch(path) and key_format.PREFIX not in path:
        return path, ""
    path, query = escape_uri_path(path), query.replace("#", "%23")
    whole = f"{path}?{query}" if query else path
    shown = f"{path}?{'&'.join(map(_without_secret, query.split('&')))}" if query else path
    if key_format.PREFIX in shown:
        shown = key_format.PATTERN.sub(REMOVED, shown)
    if shown != whole:
        return shown[:LONGEST_PATH], LeftOut.SECRET_ADDRESS
    # A browser takes steps such as `/../` itself, and says in UTF-8 what was said in another encoding.
    same = len(whole) <= LONGEST_PATH and whole.isascii() and "/./" not in f"{path}/" and "/../" not in f"{path}/"
    return shown[:LONGEST_PATH], "" if same else LeftOut.ADDRESS


def _without_secret(pair: str) -> str:
    name, is_pair, _value = pair.partition("=")
    if is_pair and SECRET_NAME.search(unquote_plus(name).replace("-", "_")):
        return f"{name}={REMOVED}"
    return pair


def _body(request: HttpRequest, category: str) -> tuple[str, str]:
    """What was sent, if it was read, is short and no secret; and what is left out. (It is not read for this.)"""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if length == "0" or request.method in BODILESS:
        return "", ""
    if category in WITHOUT_BODY:
        return "", LeftOut.SECRET_BODY
    body: bytes | None = getattr(request, "_body", None)
    if body is None:
        return "", LeftOut.UNREAD_BODY
    if len(body) > LONGEST_BODY:
        return "", LeftOut.LONG_BODY
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "", LeftOut.UNREAD_BODY
    return ("", LeftOut.UNREAD_BODY) if "\0" in text else (text, "")


def flush() -> int:
    """Hand on what was noted: to Redis, from where a worker stores it, or to the database. Returns how many.

    Raises what `request_store.store` raises: what was to be stored waits again then.
    """
    batch = request_store.Batch()
    while _waiting and not batch.is_full:
        batch.add(_waiting.popleft())
    if not batch.entries:
        return 0
    if not request_store.push(batch):
        try:
            request_store.store(batch.entries)
        except request_store.DATABASE_AWAY:
            room = WAITING_MOST - len(_waiting)
            _waiting.extendleft(reversed(batch.entries[-room:] if room else []))
            raise
    return len(batch.entries)


def _see_that_somebody_writes() -> None:
    global _writer
    if _writer is not None and _writer.is_alive():
        return
    with _lock:
        if _writer is None or not _writer.is_alive():
            _writer = threading.Thread(target=_write, name="request-log", daemon=True)
            _writer.start()


def _write() -> None:
    """Hand on what was noted, every second, for as long as the process lives."""
    while True:
        time.sleep(EVERY_SECONDS)
        try:
            while flush():
                pass
        except request_store.DATABASE_AWAY as error:
            log.warning("request_log_not_written", error=str(error))
        finally:
            connection.close()
