"""How an organization stands with its calls, in the words of pages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.utils.translation import gettext as _

from apps.billing.catalogue import Price, catalogue
from apps.core.templatetags.levqor import money, number
from apps.developers.usage_charts import in_words
from apps.usage.limits import Limits
from apps.usage.plans import API_PLAN, PLANS, Plan
from apps.usage.selectors import Standing
from apps.usage.services.alerts import SHARES

Tone = Literal["", "wait", "bad"]
WARNED_FROM = min(SHARES)  # percent: the page warns when the mail does


@dataclass(frozen=True)
class StandingInWords:
    """What cards and notices show. `tone` colours a meter beside its words; "bad" is for calls that are refused."""

    standing: Standing
    may_buy: bool = False

    @property
    def limits(self) -> Limits:
        """The limits that hold."""
        return self.standing.limits

    @property
    def plan(self) -> Plan:
        """The plan that the organization is on."""
        return PLANS[self.limits.plan]

    @property
    def in_sandbox(self) -> bool:
        """Whether it is a sandbox, whose quota is of a day."""
        return self.limits.span == "day"

    @property
    def own_limits(self) -> bool:
        """Whether something else was agreed than the plan says."""
        agreed = (self.limits.quota, self.limits.per_minute)
        return not self.in_sandbox and agreed != (self.plan.calls, self.plan.per_minute)

    @property
    def own_words(self) -> str:
        """What was agreed, in a sentence."""
        quota = self.limits.quota
        calls = (
            _("any number of calls a month")
            if quota is None
            else _("%(count)s calls a month") % {"count": number(quota)}
        )
        words = _("Limits of your own go before those of %(plan)s: %(calls)s, %(limit)s a minute.")
        return words % {"plan": self.plan.name, "calls": calls, "limit": number(self.limits.per_minute)}

    @property
    def overage(self) -> int:
        """Calls beyond a quota that lets them pass, and beyond the credits."""
        return self.standing.overage

    @property
    def overage_price(self) -> Price | None:
        """What those calls cost."""
        product = catalogue().granting(API_PLAN, self.plan.code)
        return product.overage if product else None

    @property
    def tone(self) -> Tone:
        """Nothing to say, getting near, or at the end."""
        percent = self.standing.percent
        if percent is None and self.limits.quota != 0:
            return ""
        if percent is None or percent >= 100:
            return "wait" if self.limits.soft else "bad"
        return "wait" if percent >= WARNED_FROM else ""

    @property
    def meter_value(self) -> int:
        """How full the meter is; never beyond its end."""
        return min(self.standing.used, self.limits.quota or 0)

    @property
    def meter_low(self) -> int:
        """From here on the meter warns."""
        return (self.limits.quota or 0) * WARNED_FROM // 100

    @property
    def meter_high(self) -> int:
        """From here on it alarms: only where calls are refused then."""
        quota = self.limits.quota or 0
        return quota if self.limits.soft else max(quota - 1, self.meter_low)

    @property
    def used_of_quota(self) -> str:
        """What a screen reader says of the meter, which is there where there is a quota."""
        return _("%(used)s of %(quota)s calls") % {
            "used": number(self.standing.used),
            "quota": number(self.limits.quota),
        }

    @property
    def left(self) -> str:
        """What is left, or how far beyond it is."""
        percent = self.standing.percent
        if self.overage:
            return _("%(count)s beyond the quota") % {"count": number(self.overage)}
        if percent is None:
            return _("any number is included") if self.limits.quota is None else _("none are included")
        return _("%(percent)s %% used, %(left)s left") % {
            "percent": min(percent, 100),
            "left": number(self.standing.remaining),
        }

    @property
    def resets_at(self) -> datetime:
        """When counting begins anew."""
        return self.standing.period.end

    @property
    def reset_day(self) -> str:
        """The day on which it does."""
        return in_words(self.resets_at.date())

    @property
    def period(self) -> str:
        """The month or day that is counted."""
        start = self.standing.period.start.date()
        return in_words(start) if self.in_sandbox else in_words(start, "LLLL y")

    @property
    def at_the_end(self) -> str:
        """What happens when the quota is used up."""
        if self.limits.quota is None:
            return _("There is no end: any number of calls is included.")
        if self.in_sandbox:
            return _("Further calls are refused (429) until the next day begins, at 00:00 UTC.")
        if self.limits.soft and self.overage_price is not None:
            return _("Further calls pass, at %(price)s per 1,000.") % {"price": money(self.overage_price.money)}
        return _("Further calls are refused (429) until the next month begins. A larger plan lets them pass at once.")

    @property
    def notice(self) -> str:
        """One sentence when the end is near or there; else nothing."""
        if not self.tone:
            return ""
        if self.tone == "bad":
            if self.in_sandbox:
                return _("Today's calls are used up: further ones are refused until 00:00 UTC.")
            return _("This month's calls are used up: further ones are refused until %(day)s.") % {
                "day": self.reset_day
            }
        if self.overage and self.overage_price is not None:
            words = _("The included calls are used up. Further ones pass, at %(price)s per 1,000: %(count)s so far.")
            return words % {"price": money(self.overage_price.money), "count": number(self.overage)}
        return _("%(percent)s %% of the calls are used. %(left)s are left until %(day)s.") % {
            "percent": self.standing.percent,
            "left": number(self.standing.remaining),
            "day": self.reset_day,
        }
