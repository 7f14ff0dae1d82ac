"""Error pages stand on their own: they need no database, no session and no other host."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from apps.core import views
from apps.core.context import bound

PAGES = {
    400: views.bad_request,
    403: views.permission_denied,
    404: views.not_found,
    500: views.server_error,
}


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/somewhere")
    request.user = AnonymousUser()
    return request


@pytest.mark.parametrize("status", PAGES)
def test_an_error_page_needs_nothing_else(status: int, request_: HttpRequest) -> None:
    """Without the `django_db` mark every query fails the test."""
    with bound(request_id="request-0001"):
        response: HttpResponse = PAGES[status](request_)
    page = response.content.decode()
    assert response.status_code == status
    assert f'<p class="error-code">{status}</p>' in page
    assert "request-0001" in page
    assert page.count("<h1>") == 1
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)
    assert not re.search(r"<style|<script>|style=", page)


@pytest.mark.parametrize("template", ["403_csrf.html", "429.html"])
def test_pages_that_libraries_render_are_there(template: str) -> None:
    assert "<h1>" in render_to_string(template)


def test_what_was_wrong_is_escaped(request_: HttpRequest) -> None:
    page = render_to_string("error.html", {"error": {"status": 409, "title": "No", "detail": "<b>x</b>"}}, request_)
    assert "&lt;b&gt;x&lt;/b&gt;" in page


@pytest.mark.django_db
def test_a_method_that_an_address_does_not_take_is_told_on_our_own_page(client: Client) -> None:
    answer = client.post("/dashboard")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD"
    assert '<p class="error-code">405</p>' in answer.content.decode()
