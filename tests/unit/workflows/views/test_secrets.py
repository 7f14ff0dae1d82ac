"""The vault's page: values go in and are never shown."""

import pytest
from django.test import Client

from apps.accounts.models import Organization, User
from apps.workflows.models import Secret
from tests.common.roles import client_of, make_organization

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(developer: User, organization: Organization) -> Client:
    return client_of(developer, organization)


def stored(organization: Organization) -> dict[str, str]:
    return dict(Secret.objects.for_organization(organization).values_list("name", "value"))


def test_storing_replacing_and_deleting(browser: Client, organization: Organization) -> None:
    assert "The vault is empty" in browser.get("/secrets").content.decode()
    page = browser.post("/secrets/store", {"name": "TOKEN", "value": "hush-hush"}, follow=True).content.decode()
    assert "“TOKEN” is stored." in page
    assert "hush-hush" not in page
    assert stored(organization) == {"TOKEN": "hush-hush"}
    page = browser.post("/secrets/store", {"name": "TOKEN", "value": " new\r\nline "}, follow=True).content.decode()
    assert "“TOKEN” has a new value." in page
    assert stored(organization) == {"TOKEN": " new\nline "}
    assert "data-open-now" in browser.get("/secrets?replace=TOKEN").content.decode()
    browser.post("/secrets/TOKEN/delete")
    assert stored(organization) == {}
    assert browser.post("/secrets/TOKEN/delete").status_code == 404


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("1ST", "v", "name"),
        ("WITH SPACE", "v", "name"),
        ("FINE", "", "value"),
        ("FINE", "x" * 20_000, "value"),
        ("", "v", "name"),
    ],
)
def test_what_is_refused_is_told_beside_the_field(
    name: str, value: str, field: str, browser: Client, organization: Organization
) -> None:
    response = browser.post("/secrets/store", {"name": name, "value": value})
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert not stored(organization)


def test_not_even_a_refused_value_comes_back(browser: Client) -> None:
    response = browser.post("/secrets/store", {"name": "1ST", "value": "hush-hush"})
    assert response.status_code == 422
    assert "hush-hush" not in response.content.decode()
    assert "Enter the value again" in response.content.decode()


def test_another_organizations_secret_is_not_there(browser: Client, outsider: User) -> None:
    other = make_organization(outsider, "Other")
    Secret.objects.create(organization=other, name="THEIRS", value="x")
    assert "THEIRS" not in browser.get("/secrets").content.decode()
    assert browser.post("/secrets/THEIRS/delete").status_code == 404
    assert stored(other) == {"THEIRS": "x"}
