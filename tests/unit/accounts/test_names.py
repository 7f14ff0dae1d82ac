"""Names that strangers read in our mail."""

import pytest

from apps.accounts.forms import NewOrganizationForm, ProfileForm, SignupForm
from apps.accounts.names import clean_name, harmless_name, looks_like_link
from apps.core.errors import InvalidInputError
from apps.integrations.models import MailMessage
from tests.common.roles import client_of

LINKS = [
    "evil.com",
    "Click http://evil.example",
    "Go to EVIL.Com now",
    "evil.co.uk",
    "sub.evil.org.",
    "evil.com:8000",
    "(evil.io)",
    "www.evil",
    "me@evil.com",
    "mailto:me@localhost",
    "evil\uff0ecom",
    "evil\u3002com",
    "ｅｖｉｌ.ｃｏｍ",
    "пример.рф",
    "x.xn--p1ai",
    "evil.js/x",
]
FINE = [
    "Acme",
    "Levqor Ltd.",
    "A.B. Smith & Co",
    "Node.js fans",
    "J.Smith",
    "Version 2.0",
    "U.S.A.",
    "Äcme & Söhne…",
    "日本",
]


@pytest.mark.parametrize("name", LINKS)
def test_what_a_mail_reader_links_is_no_name(name):
    assert looks_like_link(name)
    with pytest.raises(InvalidInputError, match="no web address"):
        clean_name(name)
    assert not looks_like_link(harmless_name(name))
    assert clean_name(harmless_name(name))


@pytest.mark.parametrize("name", FINE)
def test_other_names_stay_as_they_are(name):
    assert clean_name(f"  {name} ") == name == harmless_name(name)


@pytest.mark.parametrize("name", ["a\x00b", "a\x07b", "a\u202eb", "a\u200bb", "a\ue000b"])
def test_nothing_hides_in_a_name(name):
    with pytest.raises(InvalidInputError, match="printable"):
        clean_name(name)
    assert harmless_name(name) == "a b"


@pytest.mark.django_db
@pytest.mark.parametrize("form", [SignupForm, ProfileForm, NewOrganizationForm])
def test_forms_say_so_beside_the_field(form):
    assert "no web address" in str(form(data={"name": "evil.com"}).errors["name"])


def test_an_invitation_goes_out_without_a_link_of_its_senders_making(owner, organization):
    client = client_of(owner, organization)
    assert client.post("/settings/organization", {"name": "evil.com", "timezone": "UTC"}).status_code == 422
    assert client.post("/settings/profile", {"name": "Click evil.com"}).status_code == 422
    client.post("/settings/members/invite", {"email": "new@example.com", "role": "viewer"})
    mail = MailMessage.objects.get()
    assert "evil" not in mail.subject + mail.text + mail.html
