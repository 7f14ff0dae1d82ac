"""The organization's audit log, for owners and admins to read."""

import pytest
from django.urls import reverse

from apps.accounts.services import device
from apps.audit.services import record
from tests.common.roles import client_of, make_member
from tests.common.workflows import ASKING, make_workflow

pytestmark = pytest.mark.django_db


def test_owners_see_who_looked_at_a_secret(organization, owner, outsider):
    workflow = make_workflow(organization, owner, ASKING)
    trigger = workflow.triggers.get(kind="webhook")
    client = client_of(owner, organization)
    client.post(reverse("trigger_reveal", args=[workflow.slug, trigger.public_id]))
    page = client.get(reverse("activity")).text
    assert "Looked at a webhook" in page
    assert workflow.name in page
    assert workflow.name not in client_of(outsider).get(reverse("activity")).text


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("developer", 403), ("viewer", 403)])
def test_only_managers_read_it(role, status, organization, owner):
    user = owner if role == "owner" else make_member(organization, role)
    client = client_of(user, organization)
    assert client.get(reverse("activity")).status_code == status
    assert (reverse("activity") in client.get(reverse("organization_settings")).text) is (status == 200)


def test_long_logs_come_in_pages(organization, owner):
    for _number in range(3):
        record("accounts.organization_changed", actor=owner, target=organization, organization_id=organization.pk)
    client = client_of(owner, organization)
    first = client.get(reverse("activity"), {"limit": "2"})
    assert len(first.context["entries"]) == 2
    second = client.get(reverse("activity"), {"limit": "2", "cursor": first.context["next_cursor"]})
    assert {entry.pk for entry in first.context["entries"]}.isdisjoint(
        {entry.pk for entry in second.context["entries"]}
    )


def test_a_terminal_that_was_let_in_is_named_without_a_state(organization, owner):
    code = device.start("levqor on vm")
    device.approve(owner, device.find_open(code.user_code), organization)
    page = client_of(owner, organization).get(reverse("activity")).text
    assert "Let a terminal in" in page
    assert "levqor on vm" in page
    assert "pending" not in page
