"""Reads whose SQL is made once: the same rows as the queryset's, each time."""

import pytest
from django.db import connection

from apps.accounts.models import Membership, Role
from apps.core.compiled import CompiledRead
from apps.core.ids import new_id
from tests.common.roles import make_organization
from tests.common.threads import run_in_threads

pytestmark = pytest.mark.django_db


def of(organization, user):
    own = Membership.objects.for_organization(organization).filter(user_id=user).order_by()
    return own.select_related("organization__created_by", "user").only(
        "role", "organization__name", "organization__created_by__email", "user__email"
    )


@pytest.fixture
def read():
    return CompiledRead(of, 2)


def test_the_row_and_its_relations_in_one_query(read, owner, organization, developer, django_assert_num_queries):
    other = make_organization(developer, "Other")
    read.first(organization.pk, owner.pk)
    for where, who, role in ((organization, developer, Role.DEVELOPER), (other, developer, Role.OWNER)):
        with django_assert_num_queries(1):
            row = read.first(where.pk, who.pk)
            assert (row.role, row.organization.name, row.user.email) == (role, where.name, who.email)
            assert row.organization.created_by.email == where.created_by.email
        assert row == of(where, who.pk).get()


def test_what_was_left_out_is_read_when_it_is_asked_for(read, owner, organization, django_assert_num_queries):
    row = read.first(organization.pk, owner.pk)
    with django_assert_num_queries(1):
        assert row.user.name == owner.name


def test_none(read, owner, organization):
    assert read.first(organization.pk, new_id()) is None
    assert read.first(new_id(), owner.pk) is None


def test_a_key_too_few_is_an_error(read, organization):
    with pytest.raises(IndexError):
        read.first(organization.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="the in-memory database of SQLite has one connection")
def test_threads_read_over_their_own_connections(read, owner, organization):
    found = run_in_threads(*[lambda: read.first(organization.pk, owner.pk).user.email] * 4)
    assert set(found) == {owner.email}
