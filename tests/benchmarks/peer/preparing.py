"""Makes its tables in the platform's database, and a key for each organization that it is told on standard input.

Both are JSON lists: organizations' ids in, keys out, in the same order.
"""

import json
import os
import sys

import django


def main() -> None:
    """Prepare, once."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.benchmarks.peer.settings"
    django.setup()

    from django.core.management import call_command

    from tests.benchmarks.peer.models import Key

    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    keys = [Key(name="bench", organization_id=organization) for organization in json.load(sys.stdin)]
    shown = [Key.objects.assign_key(key) for key in keys]
    Key.objects.bulk_create(keys)
    json.dump(shown, sys.stdout)


if __name__ == "__main__":
    main()
