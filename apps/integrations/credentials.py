"""A realm's own vendor keys, where it has some."""

import uuid
from typing import Any

from apps.core.kinds import CredentialProvider
from apps.core.registry import registry


def credentials_for(vendor: str, realm_id: uuid.UUID | None) -> dict[str, Any]:
    """The first credentials that a provider knows, as arguments for the gateway; empty means the platform's own."""
    for provider in registry(CredentialProvider).all():
        if provider.vendor == vendor:
            found = provider.find(realm_id)
            if found:
                return dict(found)
    return {}
