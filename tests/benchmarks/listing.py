"""What the benchmark of list pages asks the driver process to do: small and big organizations, and their lists."""

import time
from functools import cache

from django.db import connection
from django.test import Client

from apps.accounts.models import Organization, User
from apps.core.static_files import collect
from apps.usage.limits import set_limits
from tests.benchmarks.customers import NO_LIMIT
from tests.common.growth import grow, queries
from tests.common.roles import api_client_of, client_of, make_organization, make_user
from tests.common.workflows import make_workflow


def prepare(sizes: list[int]) -> int:
    """One organization for each size, with so many workflows and runs. Returns how many there are."""
    for size in sizes:
        owner = make_user(f"Owner {size}", email=_email(size))
        organization = make_organization(owner, f"Size {size}")
        set_limits(organization, "enterprise", per_minute=NO_LIMIT)
        grow(make_workflow(organization, owner), owner, size)
    collect()  # pages name the files that it writes
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the server does by itself a while after so many rows
    return len(sizes)


def count_queries(address: str, size: int) -> int:
    """How often the list asks the database."""
    return queries(_client(address.startswith("/api/"), size), address)


def seconds(address: str, size: int, times: int) -> float:
    """How long the list takes, so many times."""
    client = _client(address.startswith("/api/"), size)
    began = time.perf_counter()
    for _number in range(times):
        assert client.get(address).status_code == 200
    return time.perf_counter() - began


def _email(size: int) -> str:
    return f"owner{size}@example.com"


@cache
def _client(program: bool, size: int) -> Client:
    owner = User.objects.get(email=_email(size))
    organization = Organization.objects.get(name=f"Size {size}")
    return api_client_of(owner, organization) if program else client_of(owner, organization)
