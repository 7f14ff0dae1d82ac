"""What usage adds to the administration."""

from django.core.cache import cache
from django.db.models import Sum
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.kinds import AuditAction, Figure, StaffFacts, StaffFigures
from apps.core.registry import register
from apps.core.staff.display import list_url, row_url
from apps.core.staff.figures import counted
from apps.core.templatetags.levqor import number
from apps.usage.gate.port import METER
from apps.usage.models import OrganizationLimits, QuotaAlert, UsageEvent, UsageHour
from apps.usage.periods import day_of, hour_of, month_of
from apps.usage.plans import PLANS
from apps.usage.selectors import standing
from apps.usage.services.corrections import EVENT_CORRECTED
from apps.usage.services.staff_limits import LIMITS_CHANGED

KEPT_FOR = 60  # seconds
WARNED_FROM = 80  # percent


def calls() -> list[Figure]:
    """Today's calls, and who is near or at the end of the month's quota.

    Calls that were refused are counted nowhere; who was told of 100 % on a plan without overage is being refused.
    """
    hour, month = hour_of(now()), month_of(now()).name
    this_hour = UsageEvent.objects.unscoped().filter(at__gte=hour, meter=METER, organization__livemode=True)
    told = QuotaAlert.objects.unscoped().filter(period=month)
    near, used_up = counted(told.filter(percent=80)), counted(told.filter(percent=100))
    return [
        Figure(
            _("Calls today"),
            number(_calls_of_whole_hours()),
            translated("of the hours that are summed up"),
            url=list_url(UsageHour, period=1),
        ),
        Figure(_("Events this hour"), counted(this_hour), url=list_url(UsageEvent, period=1)),
        Figure(
            _("Organizations over 80 %"),
            near,
            translated("of this month's calls"),
            "" if near == "0" else "wait",
            list_url(QuotaAlert, period=month, percent=80),
        ),
        Figure(
            _("Organizations at the end"),
            used_up,
            translated("refused, or paying overage"),
            "" if used_up == "0" else "bad",
            list_url(QuotaAlert, period=month, percent=100),
        ),
    ]


def _calls_of_whole_hours() -> int:
    """Of all live organizations, from the sums of hours; looked up once a minute at most."""
    today = day_of(now()).start
    key = f"staff:calls_today:{today:%Y-%m-%d}"
    found: int | None = cache.get(key)
    if found is None:
        hours = UsageHour.objects.unscoped().filter(hour__gte=today, meter=METER, organization__livemode=True)
        found = hours.aggregate(calls=Sum("total"))["calls"] or 0
        cache.set(key, found, KEPT_FOR)
    return found


def organization_facts(organization: Organization) -> list[Figure]:
    """Its plan, and how much of it is used."""
    found = standing(organization)
    limits, share = found.limits, found.percent
    note = translated("any number is included") if limits.quota is None else number(limits.quota)
    if share is not None:
        note = translated("%(percent)s %% of %(quota)s") % {"percent": share, "quota": note}
    return [
        Figure(
            _("API plan"),
            PLANS[limits.plan].name,
            translated("%(count)s calls a minute") % {"count": number(limits.per_minute)},
            url=row_url(OrganizationLimits(organization_id=organization.pk)),
        ),
        Figure(
            _("Calls this month") if limits.span == "month" else _("Calls today"),
            number(found.used),
            note,
            "" if share is None or share < WARNED_FROM else "wait" if share < 100 else "bad",
            list_url(UsageEvent, organization__id__exact=organization.pk),
        ),
    ]


register(
    AuditAction(LIMITS_CHANGED, _("Staff changed the API limits")),
    AuditAction(EVENT_CORRECTED, _("Staff took back something that was counted")),
    StaffFigures("usage", _("API calls"), calls, "usage.view_usageevent", order=30),
    StaffFacts("usage", "accounts.organization", organization_facts, "usage.view_usageevent", order=50),
)
