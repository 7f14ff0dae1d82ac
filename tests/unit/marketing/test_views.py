"""The landing page says what is there, costs nothing, and needs no inline script or style."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

pytestmark = [pytest.mark.urls("apps.marketing.urls"), pytest.mark.django_db]


class Collector(HTMLParser):
    """Tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def landing(client: Client) -> str:
    return client.get("/").content.decode()


def test_the_landing_page_asks_the_database_nothing(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        response = client.get("/")
    assert response.status_code == 200
    assert not response.cookies


def test_the_landing_page_shows_definition_and_run(landing: str) -> None:
    assert "Workflows that finish what they start" in landing
    assert '<span class="nt">steps</span>' in landing
    assert "each_order" in landing
    assert "Running" in landing


def test_search_engines_find_what_they_look_for(landing: str, settings: Settings) -> None:
    metas = {a.get("name") or a.get("property"): a.get("content") for t, a in Collector(landing).found if t == "meta"}
    assert metas["robots"] == "index, follow"
    assert metas["og:url"] == f"{settings.SITE_URL}/"
    assert (metas["og:image"] or "").endswith("img/og.png")
    assert len(metas["description"] or "") > 80


def test_the_page_keeps_to_the_content_security_policy(landing: str) -> None:
    for tag, attributes in Collector(landing).found:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        if tag == "script":
            assert attributes.get("src")
        if tag == "style":
            assert attributes.get("nonce")
        for address in (attributes.get("src"), attributes.get("href")):
            if tag in {"script", "link", "img", "use"} and address and attributes.get("rel") != "canonical":
                assert address.startswith("/"), address


def test_headings_go_down_step_by_step(landing: str) -> None:
    levels = [int(level) for level in re.findall(r"<h([1-6])", landing)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_robots_may_read_public_pages_only(client: Client) -> None:
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /api/" in text
    assert "Allow: /\n" in text


def test_the_style_guide_is_for_development_only(client: Client, settings: Settings) -> None:
    assert client.get("/styleguide").status_code == 404
    settings.DEBUG = True
    page = client.get("/styleguide").content.decode()
    assert "Every component in every state" in page
    assert page.count('aria-invalid="true"') == 2


def test_a_field_names_its_hint_and_error(client: Client, settings: Settings) -> None:
    settings.DEBUG = True
    found = Collector(client.get("/styleguide").content.decode()).found
    ids = {attributes.get("id") for _tag, attributes in found}
    described = [attributes["aria-describedby"] or "" for _tag, attributes in found if "aria-describedby" in attributes]
    assert described
    assert {name for names in described for name in names.split()} <= ids
    labelled = {attributes.get("for") for tag, attributes in found if tag == "label"}
    assert {"id_name", "id_addresses", "id_role", "id_note", "id_agree"} <= labelled


def test_browsers_find_an_icon_without_being_told(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert response["Location"].endswith("img/favicon.svg")
