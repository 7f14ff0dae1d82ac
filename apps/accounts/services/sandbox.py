"""The sandbox of an organization: a twin on which programs are tried out."""

import secrets

from django.db import transaction

from apps.accounts.models import Organization, User
from apps.core.kinds import SandboxSeed
from apps.core.registry import registry

SLUG_ENDING = "-sandbox"


def sandbox_of(organization: Organization, user: User) -> Organization:
    """The organization's twin; at the first call it is made and filled, in `user`'s name."""
    found = Organization.objects.filter(twin_of=organization).first()
    if found is not None:
        return found
    with transaction.atomic():
        present = Organization.objects.select_for_update(of=("self",), no_key=True).get(pk=organization.pk)
        twin, made = Organization.objects.get_or_create(
            twin_of=organization,
            defaults={
                "realm_id": present.realm_id,
                "name": present.name,
                "slug": f"{present.slug[:38]}-{secrets.token_hex(8)}{SLUG_ENDING}",  # nobody can take it before
                "livemode": False,
                "timezone": present.timezone,
            },
        )
        if made:
            for seed in registry(SandboxSeed).all():
                seed.load(twin, user)
    return twin
