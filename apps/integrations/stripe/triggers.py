"""What the database itself refuses: rows of anything but what is mirrored, above all keys, endpoints and bank accounts.

`manage.py doctor` fails when it does not.
"""

from typing import Any

from django.apps import apps as django_apps

from apps.core.refusals import Refusal, Refusals
from apps.integrations.stripe.mirror import MODELS


def protection(connection: Any) -> Refusals:
    """Refusals of every row in a table of dj-stripe's that is not mirrored, so far as its tables are there."""
    every = django_apps.get_app_config("djstripe").get_models(include_auto_created=True)
    there = set(connection.introspection.table_names())
    mirrored = {model._meta.db_table for model in MODELS.values()}
    tables = sorted({model._meta.db_table for model in every} & there - mirrored)
    message = "the mirror of Stripe keeps nothing of this kind"
    return Refusals(*(Refusal(f"{table}_stays_empty", table, "INSERT", message) for table in tables))
