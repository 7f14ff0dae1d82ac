"""Who may let a key do more than before: its maker, for whom it acts."""

from datetime import timedelta

import pytest

from apps.accounts.errors import PermissionDeniedError
from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.core.clock import now
from tests.common.roles import actor_of, make_member

pytestmark = pytest.mark.django_db
WIDER = [
    {"scopes": ["runs:start", "workflows:view"]},
    {"scopes": None},
    {"networks": ["203.0.113.0/24", "192.0.2.0/24"]},
    {"networks": ["203.0.112.0/23"]},
    {"networks": ["2001:db8::/64"]},
    {"networks": []},
    {"expires_at": None},
    {"expires_at": timedelta(days=11)},
]
NARROWER = [
    {"name": "Renamed"},
    {"networks": ["203.0.113.128/25", "203.0.113.7/32"]},
    {"expires_at": timedelta(days=9)},
]


@pytest.mark.parametrize(("changes", "refused"), [*[(one, True) for one in WIDER], *[(one, False) for one in NARROWER]])
def test_only_who_made_a_key_lets_it_do_more(organization, owner, changes, refused):
    """It acts with its maker's role: others would lend themselves more than they have."""
    began = now()

    def terms(**fields):
        end = fields.pop("expires_at", timedelta(days=10))
        given = {"name": "Server", "scopes": ["runs:start"], "networks": ["203.0.113.0/24"], **fields}
        return Terms(expires_at=end and began + end, **given)

    developer = make_member(organization, "developer")
    key = api_keys.create_key(actor_of(owner, organization), organization, "live", terms()).key
    if refused:
        with pytest.raises(PermissionDeniedError, match=owner.name):
            api_keys.change_key(developer, key, terms(**changes))
    else:
        api_keys.change_key(developer, key, terms(**changes))
    api_keys.change_key(owner, key, terms(**changes))
