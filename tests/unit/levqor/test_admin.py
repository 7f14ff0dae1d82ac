"""The admin site itself: its headers, its login, what it lets in."""

import pytest
from django.contrib import admin
from django.contrib.admin.sites import AlreadyRegistered
from django.contrib.auth.models import Permission
from django.http import HttpResponse
from django.template import engines
from django.template.response import SimpleTemplateResponse
from django.test import RequestFactory
from unfold.admin import ModelAdmin

from apps.core.admin_base import StaffModelAdmin
from apps.core.scope import UnscopedQueryError
from apps.workflows.models import Workflow
from levqor.admin import LevqorAdminSite
from tests.common.roles import client_of

pytestmark = pytest.mark.django_db


def policy_of(response):
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: set(values) for name, *values in parts}


def test_the_content_policy_of_staff_pages(staff):
    response = client_of(staff).get("/admin/")
    policy = policy_of(response)
    assert policy["script-src"] == {"'self'", "'unsafe-eval'"}
    assert policy["style-src"] == {"'self'", "'unsafe-inline'"}
    for name in ("default-src", "frame-ancestors", "object-src", "base-uri"):
        assert policy[name] == {"'none'"}, name
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert "camera=()" in response["Permissions-Policy"]
    assert "no-store" in response["Cache-Control"]


def test_no_inline_script_stands_in_staff_pages(staff):
    text = client_of(staff).get("/admin/").content.decode()
    assert all(" src=" in tag.partition(">")[0] for tag in text.split("<script")[1:])
    assert not [name for name in ("onclick=", "onload=", "onerror=") if f" {name}" in text]


def test_other_pages_keep_the_strict_policy(staff, client):
    for response in (client.get("/"), client_of(staff).get("/dashboard"), client.get("/admin/")):
        assert "'unsafe-eval'" not in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/admin/auth/group/", "/admin/auth/group/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_the_login_is_everybodys_and_leads_back_safely(client, staff, wanted, target):
    response = client.get("/admin/login/", {"next": wanted})
    assert response["Location"] == f"/accounts/login/?next={target}"
    assert client_of(staff).get("/admin/login/", {"next": wanted})["Location"] == target
    assert client.post("/admin/login/", {"username": staff.email, "password": "x"}).status_code == 302


def test_passwords_are_changed_where_everybody_changes_theirs(staff):
    assert client_of(staff).get("/admin/password_change/")["Location"] == "/accounts/password/change/"


def test_logging_out_works_from_here(staff):
    client = client_of(staff)
    client.post("/admin/logout/")
    assert client.get("/admin/").status_code == 302


def test_pages_of_packages_stay_out():
    site = LevqorAdminSite()
    site.register(Permission)
    site.register(Permission, ModelAdmin)
    assert not site.is_registered(Permission)
    site.register(Permission, StaffModelAdmin)
    assert site.is_registered(Permission)
    with pytest.raises(AlreadyRegistered):
        site.register(Permission, StaffModelAdmin)


def test_a_template_is_rendered_inside_of_the_way_out(staff):
    """What runs after the view, such as a response's template, must not need the way out any more."""
    template = engines["django"].from_string("{{ workflows.exists }}")

    def lazily(request):
        return SimpleTemplateResponse(template, {"workflows": Workflow.objects.all})

    request = RequestFactory().get("/admin/")
    request.user = staff
    response = admin.site.admin_view(lazily)(request)
    assert response.is_rendered
    assert response.content == b"False"
    with pytest.raises(UnscopedQueryError):
        Workflow.objects.all()


def test_a_view_that_breaks_leaves_the_scope_closed(staff):
    def broken(request):
        Workflow.objects.all()
        raise ZeroDivisionError

    request = RequestFactory().get("/admin/")
    request.user = staff
    with pytest.raises(ZeroDivisionError):
        admin.site.admin_view(broken)(request)
    with pytest.raises(UnscopedQueryError):
        Workflow.objects.all()


def test_the_badge_says_which_installation_this_is(staff, settings):
    client = client_of(staff)
    assert "Demo" in client.get("/admin/").content.decode()
    settings.DEMO, settings.LEVQOR_ENV = False, "production"
    text = client.get("/admin/").content.decode()
    assert "Production" in text
    assert "[demo]" not in text


def test_plain_answers_get_the_policy_too(staff):
    request = RequestFactory().get("/admin/")
    request.user = staff
    response = admin.site.admin_view(lambda request: HttpResponse("x"))(request)
    assert response._csp_replace["frame-ancestors"] == ["'none'"]
