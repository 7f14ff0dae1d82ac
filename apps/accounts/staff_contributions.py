"""What accounts adds to the administration."""

from datetime import timedelta

from django.apps import apps as django_apps
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Impersonation, Organization, User
from apps.accounts.staff import after_migrate
from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.core.kinds import AuditAction, Figure, StaffFigures
from apps.core.registry import register
from apps.core.staff.display import list_url
from apps.core.staff.figures import counted


def people() -> list[Figure]:
    """Who came lately, and who of the staff acts as somebody now."""
    week, day = lowest_id(now() - timedelta(days=7)), lowest_id(now() - timedelta(days=1))
    acting = counted(Impersonation.objects.filter(ended_at=None, ends_at__gt=now(), pk__gte=day))
    return [
        Figure(
            _("New sign-ups"),
            counted(User.objects.filter(pk__gte=week)),
            _("7 days; %(today)s in the last 24 hours") % {"today": counted(User.objects.filter(pk__gte=day))},
            url=list_url(User),
        ),
        Figure(
            _("New organizations"),
            counted(Organization.objects.filter(pk__gte=week, livemode=True)),
            _("7 days"),
            url=list_url(Organization, livemode__exact=1),
        ),
        Figure(
            _("Staff acting as customers"), acting, tone="" if acting == "0" else "wait", url=list_url(Impersonation)
        ),
    ]


register(
    AuditAction("accounts.user_deactivated", _("Staff deactivated an account")),
    AuditAction("accounts.user_reactivated", _("Staff reactivated an account")),
    AuditAction("accounts.sessions_ended_by_staff", _("Staff ended sessions")),
    AuditAction("accounts.verification_sent_by_staff", _("Staff sent the verification mail again")),
    AuditAction("accounts.staff_access_changed", _("Changed the staff access of an account")),
)
register(StaffFigures("people", _("People"), people, "accounts.view_user", order=50))
post_migrate.connect(after_migrate, sender=django_apps.get_app_config("accounts"))
