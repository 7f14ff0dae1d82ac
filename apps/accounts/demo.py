"""Demo people and their organization: plainly a demo, and never outside of one."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction

from apps.accounts import selectors
from apps.accounts.models import Membership, Organization, Role, User
from apps.accounts.services.organizations import create_organization
from apps.accounts.staff import STAFF_ROLES, ensure_staff_groups
from apps.core.errors import ForbiddenError

PASSWORD = "levqor-demo"  # noqa: S105 - shown on the login page of a demo
SLUG = "demo"
NAME = "Demo Organization"
OWNER = "owner@demo.levqor.test"
PEOPLE = (
    (OWNER, "Demo Owner", Role.OWNER),
    ("developer@demo.levqor.test", "Demo Developer", Role.DEVELOPER),
    ("billing@demo.levqor.test", "Demo Billing", Role.BILLING),
    ("viewer@demo.levqor.test", "Demo Viewer", Role.VIEWER),
)
STAFF = "staff@demo.levqor.test"


def load() -> str:
    """Make the demo accounts where they are missing. Raises `ForbiddenError` unless this is a demo."""
    if not settings.DEMO:
        raise ForbiddenError(
            "Demo accounts have a public password: they are only made where DEMO is on."
        )  # not translated: for operators
    with transaction.atomic():
        people = {email: _person(email, name) for email, name, _role in PEOPLE}
        organization = demo_organization() or create_organization(people[OWNER], name=NAME, slug=SLUG)
        for email, _name, role in PEOPLE:
            Membership.objects.unscoped().get_or_create(
                organization=organization, user=people[email], defaults={"role": role}
            )
        staff = _person(STAFF, "Demo Staff", is_staff=True, is_superuser=True)
        ensure_staff_groups()
        staff.groups.set(Group.objects.filter(name__in=STAFF_ROLES))
    logins = [f"  {email:<{len(STAFF) + 8}} {role}" for email, _name, role in PEOPLE]
    logins.append(f"  {STAFF:<{len(STAFF) + 8}} staff, at /admin/")
    return "\n".join([f"{NAME}, everybody's password is {PASSWORD}:", *logins])


def demo_organization() -> Organization | None:
    """The demo organization, once it was made."""
    return Organization.objects.filter(realm=selectors.default_realm(), slug=SLUG).first()


def _person(email: str, name: str, **fields: bool) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(email, PASSWORD, name=name, **fields)
    EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True, "primary": True})
    return user
