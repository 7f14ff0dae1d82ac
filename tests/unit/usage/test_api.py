"""`/ping` and `/usage`."""

import pytest

from apps.usage.limits import set_limits
from tests.common.roles import JsonClient, api_client_of

pytestmark = pytest.mark.django_db


def test_ping(viewer, organization):
    assert api_client_of(viewer).get("/api/v1/ping").json() == {"ok": True}
    assert JsonClient().get("/api/v1/ping").status_code == 401


@pytest.mark.parametrize("address", ["/api/usage", "/api/v1/usage"])
def test_usage(viewer, organization, outsider, address):
    set_limits(organization, "sandbox", calls=10)
    program = api_client_of(viewer)
    for _time in range(3):
        program.get("/api/v1/ping")
    told = program.get(address).json()
    period = told.pop("period")
    assert told.pop("reset_date") > f"{period}-28"
    assert told == {
        "plan": "sandbox",
        "calls_used": 3,
        "calls_remaining": 7,
        "quota": 10,
        "overage": False,
        "overage_calls": 0,
        "credits_remaining": 0,
        "by_category": {"ping": 3},
        "tokens_used": 0,
    }
    assert api_client_of(outsider).get(address).json()["calls_used"] == 0
    assert JsonClient().get(address).status_code == 401


def test_usage_without_a_fixed_quota(owner, organization):
    set_limits(organization, "enterprise")
    told = api_client_of(owner).get("/api/usage").json()
    assert (told["quota"], told["calls_remaining"], told["overage"]) == (None, None, False)
    set_limits(organization, "usage_developer")
    assert api_client_of(owner).get("/api/usage").json()["overage"] is True


def test_usage_of_a_sandbox_goes_by_days(owner, organization):
    program = api_client_of(owner)
    organization.livemode = False
    organization.save()
    told = program.get("/api/usage").json()
    assert (told["quota"], len(told["period"])) == (100, len("2026-11-27"))
