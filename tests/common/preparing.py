"""Run inside of a platform: makes its tables and schedules, as a release does."""

from django.core.management import call_command

from apps.core.jobs import sync_schedules


def prepare() -> int:
    """Migrate and write beat's rows. Returns how many schedules there are."""
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    return sync_schedules()
