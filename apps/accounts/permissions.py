"""The one question of the platform: may this actor do this to that?

Every check anywhere is `can` or `require`. What there is to permit comes from `Permission` contributions.
"""

from dataclasses import dataclass
from typing import Any, Literal

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

from apps.accounts.errors import ImpersonationForbiddenError, PermissionDeniedError
from apps.accounts.models import Membership, Organization, Role, User
from apps.core.kinds import Permission
from apps.core.registry import registry

Via = Literal["session", "token", "key"]
ALL_ROLES = frozenset(Role.values)
MANAGERS = frozenset({Role.OWNER.value, Role.ADMIN.value})
BUILDERS = MANAGERS | {Role.DEVELOPER.value}
PAYERS = MANAGERS | {Role.BILLING.value}

# Staff acting as a customer look and help to run. They never change who may come in, nor publish or store what could
# send secrets away: both would outlive their visit. Nor do they spend the customer's money.
NEVER_IMPERSONATED = frozenset(
    {
        "billing.manage",
        "members.manage",
        "organization.manage",
        "tokens.create",
        "keys.manage",
        "workflows.edit",
        "secrets.manage",
    }
)


@dataclass(frozen=True)
class Actor:
    """Who acts, for which organization, by which credential. `role` is the membership's, fresh in each request.

    A key acts for its maker, as far as `scopes` go; other credentials have None.
    """

    user: User
    organization: Organization | None
    via: Via
    role: str = ""
    impersonator: User | None = None
    scopes: frozenset[str] | None = None

    @property
    def is_impersonated(self) -> bool:
        """Whether a member of staff acts as the user."""
        return self.impersonator is not None


def can(actor: Actor | None, code: str, obj: Any) -> bool:
    """Whether the actor holds permission `code` in the object's organization.

    `obj` is an Organization or anything with `.organization`. Raises `RegistryError` for an undeclared code. A token or
    key speaks for its own organization alone.
    """
    permission = registry(Permission).get(code)
    if actor is None or not actor.user.is_active:
        return False
    if actor.is_impersonated and code in NEVER_IMPERSONATED:
        return False
    if not _in_scope(actor, permission):
        return False
    return _role_at(actor, obj) in permission.roles


def require(actor: Actor | None, code: str, obj: Any) -> None:
    """Raises `PermissionDeniedError` (403) unless `can`."""
    if can(actor, code, obj):
        return
    if actor is not None and actor.is_impersonated and code in NEVER_IMPERSONATED:
        raise ImpersonationForbiddenError(_("Staff acting as a customer cannot do this."))
    permission = registry(Permission).get(code)
    if actor is not None and not _in_scope(actor, permission):
        if not permission.for_keys:
            raise PermissionDeniedError(
                _("No API key does this: log in, or use a token of a person."), code="not_for_keys", permission=code
            )
        raise PermissionDeniedError(
            _("This key lacks the scope “%(scope)s”. Give it the scope, or use another key.")
            % {"scope": permission.scope},
            code="missing_scope",
            scope=permission.scope,
        )
    holders = get_text_list([str(role.label) for role in Role if role.value in permission.roles], _("or"))
    raise PermissionDeniedError(
        _("This needs the permission “%(label)s”. Ask somebody whose role is %(roles)s.")
        % {"label": permission.label, "roles": holders},
        permission=code,
    )


def require_own_account(actor: Actor | None) -> None:
    """Raises unless the actor is the person themself: for credentials, which belong to nobody else."""
    if actor is None or actor.is_impersonated:
        raise ImpersonationForbiddenError(_("Staff acting as a customer cannot do this."))


def grantable_roles(actor: Actor) -> list[Role]:
    """The roles that who manages members may give to them, and whose holders they may change or remove.

    Only owners make owners, and only they touch them.
    """
    return [role for role in Role if role != Role.OWNER or actor.role == Role.OWNER]


def key_scopes() -> dict[str, Permission]:
    """The scopes that an API key can have, with the permission that each stands for."""
    return {permission.scope: permission for permission in registry(Permission).all() if permission.for_keys}


def _in_scope(actor: Actor, permission: Permission) -> bool:
    return actor.scopes is None or (permission.for_keys and permission.scope in actor.scopes)


def _role_at(actor: Actor, obj: Any) -> str:
    if obj is not None and obj is actor.organization:
        return actor.role
    organization = obj.organization
    if organization is None:
        return ""
    if actor.organization is not None and organization.pk == actor.organization.pk:
        return actor.role
    if actor.via != "session" or actor.is_impersonated:
        return ""
    found = Membership.objects.for_organization(organization).filter(user=actor.user).values_list("role", flat=True)
    return found.first() or ""
