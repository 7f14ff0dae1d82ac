"""Who is asking, and what that costs."""

import time

import pytest
from allauth.usersessions.models import UserSession
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts import middleware
from apps.core.context import bound, current
from tests.common.roles import client_of, make_user


def written(queries):
    return [query["sql"] for query in queries if not query["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))]


def test_a_visitor_costs_no_query(realm, django_assert_num_queries):
    with django_assert_num_queries(0):
        Client().get(reverse("account_login"))


def test_a_page_in_a_known_session_writes_nothing(owner, organization):
    client = client_of(owner)
    client.get(reverse("profile"))
    with CaptureQueriesContext(connection) as queries:
        client.get(reverse("profile"))
    assert written(queries) == []


def test_the_session_list_is_kept_once_a_minute(owner, organization, monkeypatch):
    client = client_of(owner)
    client.get(reverse("profile"))
    first = UserSession.objects.get(user=owner).last_seen_at
    client.get(reverse("profile"))
    assert UserSession.objects.get(user=owner).last_seen_at == first
    later = time.monotonic() + 61
    monkeypatch.setattr(middleware.time, "monotonic", lambda: later)
    client.get(reverse("profile"))
    assert UserSession.objects.get(user=owner).last_seen_at > first


def test_the_memory_of_sessions_is_bounded():
    activity = middleware.SessionActivityMiddleware(lambda request: HttpResponse())
    for number in range(10_050):
        assert activity._is_due(str(number), "127.0.0.1")
    assert len(activity._seen) == 10_000
    assert not activity._is_due("10049", "127.0.0.1")
    assert activity._is_due("10049", "127.0.0.2")


def test_the_context_knows_actor_organization_and_realm(owner, organization, rf):
    seen = []

    def view(request):
        seen.append(current())
        return HttpResponse()

    request = client_of(owner).get(reverse("profile")).wsgi_request
    fresh = rf.get("/")
    fresh.session, fresh.user = request.session, owner
    with bound():
        middleware.ActorMiddleware(view)(fresh)
    [context] = seen
    assert (context.actor_kind, context.actor_id, context.actor_label) == ("user", owner.public_id, owner.email)
    assert (context.organization_id, context.realm_id) == (organization.pk, organization.realm_id)
    assert fresh.may("members.manage")
    assert not current().actor_id


@pytest.mark.parametrize("organization_id", ["00000000-0000-0000-0000-000000000000", None])
def test_a_session_that_names_a_lost_organization_falls_back(owner, organization, organization_id):
    client = client_of(owner)
    session = client.session
    session["organization_id"] = organization_id
    session.save()
    assert client.get(reverse("profile")).wsgi_request.organization == organization


def test_without_an_organization_nothing_is_allowed(realm):
    request = client_of(make_user()).get(reverse("profile")).wsgi_request
    assert request.organization is None
    assert not request.may("organization.view")
