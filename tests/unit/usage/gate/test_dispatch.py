"""The view of an address under /api/ is found as Django finds it."""

from collections import defaultdict

import pytest
from django.conf import settings
from django.urls import resolve

from apps.usage.gate.dispatch import _flat, _match
from tests.common.routes import routes

ADDRESSES = sorted(found.address(defaultdict(lambda: "7")) for found in routes() if found.is_api)


def told(match):
    return match.func, match.args, match.kwargs, match.route, match.view_name


def test_there_are_addresses_to_be_found():
    assert len(_flat(settings.ROOT_URLCONF).url_patterns) == sum(found.is_api for found in routes()) > 30


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_route_is_the_one_that_django_finds(address):
    assert told(_match(address)) == told(resolve(address))
    assert told(_match(address)) == told(resolve(address)), "also when it is remembered"


@pytest.mark.parametrize(
    "address", ["/api/", "/api/v1/nothing", "/api/v1/runs/", "/api/v1/runs/a/b/c/d", "/workflows", "/"]
)
def test_what_is_no_address_of_the_api(address):
    assert _match(address) is None
