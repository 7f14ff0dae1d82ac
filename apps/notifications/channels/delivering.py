"""`deliver`: one alarm to one address."""

import hashlib
import ipaddress
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import get_connection
from django.core.validators import validate_email
from standardwebhooks import Webhook

from apps.core import http
from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.kinds import Severity
from apps.integrations.mail import transport
from apps.notifications.channels import services
from apps.notifications.channels.carrier import call, travelling
from apps.notifications.channels.errors import ChannelError

MIN_SECRET = len("whsec_") + 32  # 24 bytes, as Standard Webhooks asks
MAX_TITLE, MAX_BODY = 200, 3000  # Telegram ends at 4096 characters, its markup included
UNPRINTABLE = "an address has no control characters"
WITHOUT_TLS = frozenset({"http", "json", "ntfy", "mmost", "rocket", "gotify"})  # each has a twin that ends in s
SIGNS = {"critical": "🔴", "warning": "🟠", "info": "🔵", "success": "🟢"}


@dataclass(frozen=True)
class Address:
    """A channel as the watchdog keeps it: its name, its URL (which holds secrets), and whether to ring quietly."""

    name: str
    url: str
    silent: bool = False


def deliver(
    url: str,
    title: str,
    body: str,
    severity: Severity,
    silent: bool,
    *,
    key: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:
    """Tell a channel of something, within some ten seconds. Returns when the other side took it.

    `key` is the same for each repeat of one message: receivers that look at it (webhooks, mail through Resend) take it
    once. `data` goes to webhooks beside the words. Raises `ChannelError`.
    """
    title, body, scheme = title[:MAX_TITLE], body[:MAX_BODY], scheme_of(url)
    operators = url in settings.ALERT_URLS
    if not url.isprintable():
        raise ChannelError(UNPRINTABLE, permanent=True)
    if scheme == "mailto":
        _mail(url, f"{SIGNS[severity]} {title}", body, key or new_id().hex)
    elif scheme in ("http", "https"):
        _webhook(
            url, {**(data or {}), "title": title, "body": body, "severity": severity, "silent": silent}, key, operators
        )
    else:
        services.send(url, f"{SIGNS[severity]} {title}", body or title, severity, silent, operators=operators)


def scheme_of(url: str) -> str:
    """The part of an address that says what kind of channel it is."""
    return url.partition(":")[0].strip().lower()


def refusal_of(url: str) -> str:
    """Why an address can't be a channel, in a few words without the address; empty when it can."""
    scheme = scheme_of(url)
    if not url.isprintable():  # what parses addresses drops some of it: another one is called than was looked at
        return UNPRINTABLE
    if scheme == "mailto":
        with suppress(ValidationError):
            validate_email(url.partition(":")[2])
            return ""
        return "mailto: needs one address, as in mailto:ops@example.com"
    if scheme in ("http", "https"):
        parts = urlsplit(url)
        if not parts.hostname or parts.username:
            return "a webhook is https://host/path, with its secret as #whsec_…"
        with suppress(ValueError):
            _signer(parts.fragment)
            return ""
        return "the part after # is no signing secret (whsec_ and base64)"
    try:
        services.plugin_of(url)
    except ChannelError as error:
        return str(error)
    return ""


def is_readable_on_the_way(url: str) -> bool:
    """Whether an address is of a kind that goes without TLS, its key and all that is told."""
    return scheme_of(url) in WITHOUT_TLS


def masked(url: str) -> str:
    """An address as it may be shown: what kind it is and where it goes, no key."""
    scheme = scheme_of(url)
    if scheme == "mailto":
        return url
    if scheme in ("http", "https", "json", "jsons"):
        return f"{scheme}://{urlsplit(url).hostname or ''}/…"
    # A few characters of a digest tell two channels of a kind apart.
    return f"{scheme}://…{hashlib.sha256(url.encode()).hexdigest()[:4]}"


def _mail(url: str, subject: str, body: str, key: str) -> None:
    """Straight to the transport, past the outbox: that is a table. Where there is one, `services.sending` uses it."""
    mail = transport.OutboxMail(
        " ".join(subject.split()), body + "\n", settings.DEFAULT_FROM_EMAIL, [url.partition(":")[2]],
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    # Each reader's own: by it, whoever carries mail takes a repeat for one, and a second reader's mail for a repeat.
    mail.mail_id = f"alert_{hashlib.sha256(f'{key} {url}'.encode()).hexdigest()[:32]}"
    try:
        get_connection().send_messages([mail])
    except transport.TransportError as error:
        raise ChannelError(
            str(error), permanent=not error.transient, maybe_sent=error.ambiguous, retry_after=error.retry_after
        ) from error
    except Exception as error:  # whatever the backend raises: an alarm is tried again
        raise ChannelError(transport.describe(error), permanent=False, maybe_sent=True) from error


def _webhook(url: str, data: dict[str, Any], key: str, operators: bool) -> None:
    """As Standard Webhooks has it, so that receivers can check it with the libraries that exist."""
    address, _hash, secret = url.partition("#")
    moment, name = now(), key or new_id().hex
    content = json.dumps(
        {"type": data.pop("type", "alert"), "timestamp": moment.isoformat(), "data": data},
        ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    headers = {
        "content-type": "application/json",
        "webhook-id": name,
        "webhook-timestamp": str(int(moment.timestamp())),
    }
    if (signer := _signer(secret)) is not None:
        headers["webhook-signature"] = signer.sign(name, moment, content)
    with travelling(_host_and_port(address) if operators else "") as trip:
        try:
            call("POST", address, headers=headers, content=content)
        except http.GuardedHttpError as error:
            raise trip.errors[-1] from error
    if trip.errors:
        raise trip.errors[-1]


def _signer(secret: str) -> Webhook | None:
    """Raises `ValueError` for what is no secret."""
    if not secret:
        return None
    if not secret.startswith("whsec_") or len(secret) < MIN_SECRET:
        raise ValueError("no secret")
    return Webhook(secret)


def _host_and_port(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    with suppress(ValueError):
        host = f"[{ipaddress.IPv6Address(host)}]"
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
