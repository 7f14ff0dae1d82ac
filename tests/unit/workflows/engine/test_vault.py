"""Secrets are found in whatever form they come back."""

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from apps.workflows.engine.vault import MASK, Vault
from apps.workflows.services.secrets import put_secret
from tests.common.roles import actor_of

pytestmark = pytest.mark.django_db
ODD = 'Tök&n"with\ttab/'
SPACED = " \tjust-so 'n \"ö/ü?\n"
BARE = SPACED.strip()
LOWER = re.compile("%..")


@pytest.fixture
def vault(organization, owner):
    actor = actor_of(owner, organization)
    for name, value in {
        "ODD": ODD,
        "PIN": "48151623",
        "KEY": "-----BEGIN\nabcdefghijklmnop\nshort\n",
        "HOST": "MyKey99",
        "SPACED": SPACED,
    }.items():
        put_secret(organization, name, value, actor)
    return Vault(organization.pk, frozenset({"ODD", "PIN", "KEY", "HOST", "SPACED"}))


@pytest.mark.parametrize(
    "shown",
    [
        ODD,
        quote(ODD, safe=""),
        json.dumps(ODD),
        json.dumps(ODD, ensure_ascii=False),
        "Tök&amp;n&quot;with\ttab/",
        f"Basic {base64.b64encode(b'user:48151623').decode()}",
        48151623,
        {"pin": [148151623.5]},
        "one line: abcdefghijklmnop",
        "No address was found for mykey99.example.com.",
    ],
)
def test_no_form_of_a_secret_is_left(vault, shown):
    text = json.dumps(vault.redact({"a": shown}), ensure_ascii=False)
    assert MASK in text
    for part in ("Tök", "T\\u00f6k", "8151623", "abcdefghijklmnop", "mykey99"):
        assert part not in text


@pytest.mark.parametrize(
    "shown",
    [
        SPACED,
        BARE,
        quote(BARE),
        quote(BARE, safe=""),
        LOWER.sub(lambda found: found[0].lower(), quote(BARE, safe="")),
        LOWER.sub(lambda found: found[0].lower(), quote_plus(BARE)),
        json.dumps(BARE),
        json.dumps(BARE).replace("/", "\\/"),
        json.dumps(BARE, ensure_ascii=False).replace("/", "\\/"),
        json.dumps(BARE).replace("\\u00f6", "\\u00F6").replace("\\u00fc", "\\u00FC"),
        html.escape(BARE),
        html.escape(BARE, quote=False),
        html.escape(BARE).replace("&#x27;", "&#39;"),
        html.escape(BARE).replace("&#x27;", "&#039;"),
        html.escape(BARE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        base64.b64encode(BARE.encode()).decode(),
        base64.b64encode(b"a:" + BARE.encode()).decode(),
    ],
)
def test_a_secret_is_found_without_the_space_around_it_however_it_is_escaped(vault, shown):
    """A header is sent without it; each language escapes in its own way."""
    left = vault.redact(f"<{shown}>")
    assert MASK in left
    assert "just" not in left
    assert len(left.replace(MASK, "")) < 8 + 4 * (shown == SPACED), "nothing but the ends of Base64 is left"


def test_other_values_stay_as_they_are(vault):
    value = {"n": 5, "yes": True, "none": None, "x": 1.5, "text": "short"}
    assert vault.redact(value) == value
