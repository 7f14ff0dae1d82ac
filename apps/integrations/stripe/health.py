"""Whether Stripe's mirror can hold no secret."""

from django.db import connection
from django.utils.translation import gettext as _

from apps.core.kinds import Checked
from apps.integrations.stripe import triggers


def protected() -> Checked:
    """Whether the database refuses keys, endpoints, bank accounts and whatever else is not mirrored."""
    if triggers.protection(connection).installed(connection):
        return "ok", _("The database takes nothing of Stripe but what is mirrored.")
    return "failed", _("The triggers that keep secrets out of Stripe's mirror are missing: run manage.py migrate.")
