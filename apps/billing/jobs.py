"""What billing does by the calendar. Each returns a line for the record."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from apps.billing import handlers
from apps.billing.models import Subscription
from apps.billing.services import abuse, checkout, overage, reconciliation
from apps.billing.services.turns import alone
from apps.core.clock import now

TOLD_BEFORE = timedelta(days=3)


def count_overage(_slot: datetime) -> str:
    """Settle credits and order the reports of overage."""
    overage.settle_all()
    changed = overage.count_all()
    return _("%(count)d organizations have new overage") % {"count": changed}


def expire_orders(_slot: datetime) -> str:
    """End orders that nobody paid."""
    return _("%(count)d orders ended") % {"count": checkout.expire_orders()}


def tell_of_trials(_slot: datetime) -> str:
    """Mail whose trial ends within three days: once for each."""
    moment = now()
    rows = Subscription.objects.unscoped().filter(
        status=Subscription.Status.TRIALING, trial_end__gt=moment, trial_end__lte=moment + TOLD_BEFORE, cancel_at=None
    )
    told = sum(alone(_tell_of_trial, row) for row in rows.select_related("organization").iterator())
    return _("%(count)d trials end soon") % {"count": told}


def _tell_of_trial(row: Subscription) -> bool:
    handlers.mail_trial_ends(row)
    return True


def reconcile(_slot: datetime) -> str:
    """Compare the last days with Stripe."""
    report = reconciliation.reconcile()
    return _("%(count)d differences") % {"count": report.differences}


def look_for_abuse(_slot: datetime) -> str:
    """Raise what staff should look at."""
    return _("%(count)d new signs of abuse") % {"count": abuse.look()}
