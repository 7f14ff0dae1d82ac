"""What layouts and login pages may ask of accounts; computed on use."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from apps.accounts import demo, selectors
from apps.accounts.models import Organization, Role, User
from apps.accounts.passkeys import passkey_place
from apps.accounts.permissions import Actor
from apps.core.kinds import LoginMethod
from apps.core.registry import registry


@dataclass(frozen=True)
class Switcher:
    """The organization menu of the side bar."""

    current: Organization
    organizations: list[Organization]
    role_label: str
    switch_url: str
    create_url: str


def _switcher(request: HttpRequest) -> Switcher | None:
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None or actor.organization is None:
        return None
    user: User = actor.user
    role = Role(actor.role).label if actor.role else ""
    if actor.is_impersonated:
        return Switcher(actor.organization, [actor.organization], str(role), reverse("organization_switch"), "")
    organizations = selectors.organizations_of_user(user)
    return Switcher(
        actor.organization, organizations, str(role), reverse("organization_switch"), reverse("organization_create")
    )


def login_methods() -> list[LoginMethod]:
    """The ways to log in besides a password that are configured, in order."""
    offered = sorted(registry(LoginMethod).all(), key=lambda method: (method.order, method.name))
    return [method for method in offered if method.available()]


def _demo() -> dict[str, str] | None:
    """What the login page of a demo tells everybody."""
    if not settings.DEMO:
        return None
    return {"email": demo.OWNER, "password": demo.PASSWORD, "mail_url": reverse("dev_mail")}


def account(request: HttpRequest) -> dict[str, Any]:
    """`switcher` for the layout, `login_methods`, `passkey_place` and `demo` for the login and sign-up pages."""
    return {
        "switcher": SimpleLazyObject(lambda: _switcher(request)),
        "login_methods": SimpleLazyObject(login_methods),
        "passkey_place": SimpleLazyObject(lambda: passkey_place(request)),
        "demo": SimpleLazyObject(_demo),
    }
