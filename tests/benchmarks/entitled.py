"""What the benchmark of entitlements asks the driver process to do."""

import time
from contextlib import ExitStack

from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization
from apps.accounts.services.members import MEMBERS
from apps.billing.services.entitlements import give
from apps.core.entitlements import most
from tests.common.counting import redis_commands
from tests.common.gates import forget_strikes
from tests.common.roles import make_organization, make_user

NAME = "Entitled"


def prepare(sources: int) -> int:
    """An organization that has seats from so many sources. Returns how many it may use."""
    organization = make_organization(make_user("Erika Entitled"), NAME)
    for number in range(sources):
        give(organization, f"order_{number}", {MEMBERS: 10 + number})
    forget_strikes()
    return most(organization.pk, MEMBERS)


def ask(count: int, without_redis: bool) -> dict[str, float]:
    """Ask so often, and tell the seconds, the SQL statements and the commands to Redis."""
    key = Organization.objects.get(name=NAME).pk
    with ExitStack() as stack:
        if without_redis:
            stack.enter_context(override_settings(REDIS_URL=""))
        most(key, MEMBERS)
        commands = stack.enter_context(redis_commands())
        began = time.perf_counter()
        for _number in range(count):
            most(key, MEMBERS)
        seconds = time.perf_counter() - began
        asked = len(commands)
        with CaptureQueriesContext(connection) as queries:  # by itself: to note them takes time
            most(key, MEMBERS)
    return {"seconds": seconds, "redis": asked, "sql": len(queries) * count}
