"""dj-stripe as an app of ours: its models, and nothing that runs."""

from django.utils.translation import gettext_lazy as _
from djstripe.apps import DjstripeAppConfig


class StripeMirrorConfig(DjstripeAppConfig):
    """Floor 1: tables that `mirror.py` fills."""

    verbose_name = _("Stripe mirror")

    def ready(self) -> None:
        """Do without what dj-stripe would start.

        That is: receivers of webhooks, which we take ourselves; checks that ask the database for keys and endpoints
        whenever a command runs; a name of its own in each request of ours; methods put on Stripe's objects, so that
        `subscription.items` would no longer be its items.
        """
