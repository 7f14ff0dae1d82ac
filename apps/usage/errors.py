"""What the gate refuses, and how it says so."""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, ForbiddenError


class CallRateError(DomainError):
    """More calls a minute than the plan allows. `violated-policies` names the policy of the header RateLimit-Policy."""

    code, status, title = "rate_limited", 429, _("Too many requests")


class QuotaExceededError(DomainError):
    """The calls of this month (of this day in the sandbox) are used up."""

    code, status, title = "quota_exceeded", 429, _("Quota used up")


class WrongEnvironmentError(ForbiddenError):
    """A sandbox credential at a live address, or the other way round."""

    code, title = "wrong_environment", _("Live and sandbox do not mix")
