"""Whether Stripe's mirror can hold no secret."""

from typing import Literal

from django.db import connection
from django.utils.translation import gettext as _

from apps.integrations.stripe import triggers


def protected() -> tuple[Literal["ok", "warning", "failed"], str]:
    """Whether the database refuses keys, endpoints, bank accounts and whatever else is not mirrored."""
    if triggers.protection(connection).installed(connection):
        return "ok", _("The database takes nothing of Stripe but what is mirrored.")
    return "failed", _("The triggers that keep secrets out of Stripe's mirror are missing: run manage.py migrate.")
