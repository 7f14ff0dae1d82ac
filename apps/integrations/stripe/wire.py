"""One connection to Stripe: the library's client with our patience, and its errors in our words.

The library repeats nothing by itself: rows of ours are repeated, with the same key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import requests
import stripe
import structlog
from django.utils.translation import gettext_lazy as _
from urllib3.exceptions import NewConnectionError

from apps.integrations.stripe.errors import (
    DUPLICATE_USAGE,
    PAYMENT_FAILED,
    StripeMissingError,
    StripeRefusedError,
    StripeUnavailableError,
)

if TYPE_CHECKING:
    from stripe._request_options import RequestOptions

    from apps.integrations.stripe.reading import Raw

Read = TypeVar("Read")
log = structlog.get_logger(__name__)

CONNECT_SECONDS, READ_SECONDS = 5.0, 20.0
LONGEST_WAIT = 3600
# A key that is not accepted, too many calls, or an object that is busy: what was asked was not begun.
_NOT_BEGUN = (stripe.AuthenticationError, stripe.PermissionError, stripe.RateLimitError)
# What Stripe refuses without a code of its own, by what it says.
_NAMELESS = (
    ("An event already exists with identifier", DUPLICATE_USAGE),
    ("is greater than unrefunded amount", "amount_too_large"),
    ("is greater than charge amount", "amount_too_large"),
)
_NO_ANSWER = _("The payment provider can't answer right now.")

stripe.enable_telemetry = False  # no id of this machine, no file in anybody's home


class Wire:
    """What all calls share. It shows no key, however it is printed."""

    def __init__(self, api_key: str, address: str = "") -> None:
        self._stripe = connect(api_key, address).v1

    def _listed(self, ask: Callable[[], stripe.ListObject[Any]], read: Callable[["Raw"], Read]) -> Iterator[Read]:
        """Everything in a list of Stripe's, page after page, the next one only when it is wanted."""
        with explained():
            members = iter(ask().auto_paging_iter())
        while True:
            with explained():
                found = next(members, None)
            if found is None:
                return
            yield read(raw(found))


def raw(answer: stripe.StripeObject) -> "Raw":
    """An answer as it came: JSON, decimals as text."""
    return answer.to_dict(for_json=True)


def once(key: str) -> "RequestOptions":
    """Said again with the same key, a call has happened once."""
    return {"idempotency_key": key}


def seconds(moment: datetime) -> int:
    """Seconds since 1970."""
    return int(moment.timestamp())


def connect(api_key: str, address: str = "") -> stripe.StripeClient:
    """A client for this key. `address` is another place than Stripe's own."""
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": address} if address else None,
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, READ_SECONDS)),
    )


@contextmanager
def explained() -> Iterator[None]:
    """Around calls of the library alone: what it raises leaves as one of our errors, without Stripe's words."""
    try:
        yield
    except stripe.StripeError as error:
        told = _explain(error)
        log.warning(
            told.code,
            kind=type(error).__name__,
            status=error.http_status,
            stripe_code=error.code,
            stripe_request=error.request_id,
        )
        raise told from None
    except (AttributeError, KeyError, TypeError) as error:
        # What stands between us and Stripe may answer in a form that the library stumbles over.
        log.warning("stripe_unavailable", kind=type(error).__name__)
        raise StripeUnavailableError(_NO_ANSWER, ambiguous=True) from error


def _explain(error: stripe.StripeError) -> StripeMissingError | StripeRefusedError | StripeUnavailableError:
    if isinstance(error, stripe.APIConnectionError):
        return StripeUnavailableError(
            _("The payment provider was not reached."), ambiguous=not _was_never_sent(error.__cause__)
        )
    status = error.http_status or 0
    if isinstance(error, stripe.CardError):
        return _refusal(error, _words_for_the_payer(error), PAYMENT_FAILED)
    if status == 404 and error.code == "resource_missing":
        return StripeMissingError(_("The payment provider knows nothing of it."))
    if isinstance(error, stripe.InvalidRequestError | stripe.IdempotencyError) and status in (400, 404):
        return _refusal(error, "", _code(error))
    return StripeUnavailableError(
        _NO_ANSWER,
        # What Stripe has once answered under a key, it answers again, errors of its own too; it says where that is so.
        transient=_header(error, "stripe-should-retry") != "false" or isinstance(error, _NOT_BEGUN),
        ambiguous=not isinstance(error, _NOT_BEGUN),
        retry_after=_wait(_header(error, "retry-after")),
    )


def _refusal(error: stripe.StripeError, detail: str, code: str) -> StripeRefusedError:
    problem = error.error
    return StripeRefusedError(
        detail,
        code=code,
        stripe_code=error.code or "",
        decline_code=str(getattr(problem, "decline_code", None) or ""),
        param=str(getattr(error, "param", None) or ""),
        request_id=error.request_id or "",
    )


def _words_for_the_payer(error: stripe.CardError) -> str:
    """What Stripe says of a card is made to be shown; anything else is not."""
    is_of_card = error.error is not None and getattr(error.error, "type", "") == "card_error"
    return (error.user_message or "") if is_of_card else ""


def _code(error: stripe.StripeError) -> str:
    if isinstance(error, stripe.IdempotencyError):
        return "idempotency_error"
    said = error.user_message or ""
    return error.code or next((code for words, code in _NAMELESS if words in said), "")


def _was_never_sent(cause: BaseException | None) -> bool:
    """Whether no connection was made at all: with one that breaks, nobody knows what the other end has read."""
    if isinstance(cause, requests.ConnectTimeout):
        return True
    reasons = (getattr(part, "reason", None) for part in getattr(cause, "args", ()))
    return any(isinstance(reason, NewConnectionError) for reason in reasons)


def _header(error: stripe.StripeError, name: str) -> str:
    return str({key.lower(): value for key, value in (error.headers or {}).items()}.get(name, ""))


def _wait(value: str) -> int:
    return min(int(value), LONGEST_WAIT) if value.isdecimal() and len(value) < 9 else 5
