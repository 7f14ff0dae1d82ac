"""What callers are told of their limits: `X-RateLimit-*`, and the IETF's `RateLimit` with `RateLimit-Policy`."""

import math
import time
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from apps.core.headers import add
from apps.usage.gate.port import Call, Verdict
from apps.usage.limits import Limits


def tell(response: HttpResponse, call: Call, verdict: Verdict) -> None:
    """Add the headers. Of two policies `X-RateLimit-*`, which knows one, tells the minute's."""
    limits = call.limits
    present, full_in = time.time(), math.ceil(verdict.full_in)
    policy = f'"minute";q={limits.per_minute};w=60'
    standing = f'"minute";r={verdict.remaining};t={full_in}'
    period, quota = verdict.period, limits.quota
    if call.counted and quota is not None and period is not None:
        left = max(quota - verdict.used, 0)
        length = (period.end_microseconds - period.begin_microseconds) // 1_000_000
        policy += f', "{limits.span}";q={quota};w={length}'
        standing += f', "{limits.span}";r={left};t={max(int(period.end_microseconds / 1_000_000 - present), 0)}'
    add(
        response,
        {
            "X-RateLimit-Limit": str(limits.per_minute),
            "X-RateLimit-Remaining": str(verdict.remaining),
            "X-RateLimit-Reset": str(int(present) + full_in),
            "RateLimit-Policy": policy,
            "RateLimit": standing,
        },
    )


def violated(call: Call, verdict: Verdict) -> dict[str, Any]:
    """What a refusal adds to its problem document: which policy was violated, and when a call will pass again."""
    name = "minute" if verdict.refusal == "minute" else call.limits.span
    told: dict[str, Any] = {"violated-policies": [name], "retry_after": max(math.ceil(verdict.retry_in), 1)}
    if verdict.refusal == "quota" and verdict.period is not None:
        told |= {"quota": call.limits.quota, "reset_date": f"{verdict.period.end:%Y-%m-%d}"}
    return told


def used_up(limits: Limits) -> str:
    """That the calls of the period are used up, and what to do."""
    if limits.span == "day":
        return _("The sandbox takes %(quota)s calls a day, and today's are used up. The next begins at 00:00 UTC.") % {
            "quota": limits.quota
        }
    if limits.soft:
        return _(
            "The overage that you allow for this month is used up. Allow more, buy credits or choose a larger plan."
        )
    return _(
        "The plan's %(quota)s calls of this month are used up. Wait for the next, buy credits or choose a larger plan."
    ) % {"quota": limits.quota}
