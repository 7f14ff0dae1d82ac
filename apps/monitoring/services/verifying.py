"""The nightly verifier: can what the business stands on be reached, and does it cost what it may?"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.clock import now
from apps.core.errors import DomainError
from apps.core.health import examine
from apps.core.kinds import HealthCheck, Text
from apps.core.registry import registry
from apps.integrations.notion.health import reached
from apps.integrations.stripe.connection import is_fake, stripe
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.monitoring.figures import dollars
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import CostDay, HealthResult, HealthRun
from apps.monitoring.services.looking import Seen, alarm, forget, keep

State = HealthResult.State
CENTS = 100
FRESH = timedelta(days=2)


class _Check(NamedTuple):
    name: str
    label: Text
    look: Callable[[], tuple[str, str]]


def notion() -> tuple[str, str]:
    """Whether Notion answers, and then whether the tables there are kept up to date, as its check says."""
    state, seen = reached()
    check = registry(HealthCheck).find("notion")
    return examine(check) if state == "ok" and check is not None else (state, seen)


def stripe_balance() -> tuple[str, str]:
    """Whether Stripe says what is on our account."""
    return _asked(lambda: stripe().balance())


def stripe_charges() -> tuple[str, str]:
    """Whether Stripe lists payments."""
    return _asked(lambda: next(iter(stripe().payments(since=now() - timedelta(days=1))), None))


def _asked(ask: Callable[[], object]) -> tuple[str, str]:
    try:
        ask()
    except PaymentsNotSetUpError:
        return State.OFF, _("Payments are not set up.")
    except DomainError as error:
        return State.FAILED, str(error.detail or error.title)
    return State.OK, _("Test payments answer.") if is_fake() else _("Stripe answers.")


def cost_threshold() -> tuple[str, str]:
    """Whether the newest day cost no more than it may. Stripe's fees are left out: they grow with what comes in."""
    row = CostDay.objects.order_by("-day").first()
    if row is None:
        return State.OFF, _("No costs were collected yet.")
    limit = int(settings.DAILY_COST_LIMIT * CENTS)
    values = {"cost": dollars(row.infrastructure), "limit": dollars(limit), "day": row}
    if row.infrastructure > limit:
        words = _(
            "%(cost)s on %(day)s: more than %(limit)s a day (DAILY_COST_LIMIT in .env). "
            "If that is what it may cost, raise it there and restart."
        )
        return State.FAILED, words % values
    if now().date() - row.day > FRESH:
        return State.WARNING, _("%(cost)s on %(day)s; no day was collected since.") % values
    return State.OK, _("%(cost)s on %(day)s, under %(limit)s a day.") % values


CHECKS = (
    _Check("notion", gettext_lazy("Notion"), notion),
    _Check("stripe_balance", gettext_lazy("Stripe: balance"), stripe_balance),
    _Check("stripe_charges", gettext_lazy("Stripe: charges"), stripe_charges),
    _Check("cost_threshold", gettext_lazy("Daily costs"), cost_threshold),
)
FAILED_ALERT = "verifier_failed"


def verify(slot: datetime) -> HealthRun:
    """Look at everything, keep what was seen (one row a night), raise an alarm for each thing that fails and end those
    that are over."""
    seen = [Seen(check.name, str(check.label), *_look(check)) for check in CHECKS]
    night = slot.astimezone(UTC).date()
    run = keep(HealthRun.Kind.VERIFIER, whole_days(night, night).start, seen)
    alarm(FAILED_ALERT, seen)
    forget(HealthRun.Kind.VERIFIER)
    return run


def _look(check: _Check) -> tuple[str, str]:
    """As the doctor does: what breaks has failed, with its error as what was seen."""
    return examine(HealthCheck(check.name, check.label, check.look))  # type: ignore[arg-type] # words of the model


def expansion_verifier(slot: datetime) -> str:
    """The job. What fails is told by its alarm, not by a failed job: looking did not fail."""
    return verify(slot).summary
