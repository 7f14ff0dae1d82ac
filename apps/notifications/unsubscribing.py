"""The way out of mail, in each mail: an address that says who and what, signed, good for ever and for nothing else."""

from dataclasses import dataclass

from django.core import signing

from apps.accounts.models import User
from apps.core.ids import InvalidIdError
from apps.core.kinds import NoticeType
from apps.core.registry import registry

SALT = "notifications.unsubscribe"
LONGEST = 500


@dataclass(frozen=True)
class WayOut:
    """Whose mail, of which type."""

    user: User
    kind: NoticeType


def make_token(user: User, code: str) -> str:
    """What stands in the address."""
    return signing.dumps([user.public_id, code], salt=SALT)


def read_token(token: str) -> WayOut | None:
    """Who and what a token is about; None for one that is wrong, or about somebody or something that is gone."""
    if len(token) > LONGEST:
        return None
    try:
        person, code = signing.loads(token, salt=SALT)
        user = User.objects.filter(pk=User.parse_public_id(person)).first()
    except (signing.BadSignature, ValueError, TypeError, InvalidIdError):
        return None
    kind = registry(NoticeType).find(code)
    return WayOut(user, kind) if user is not None and kind is not None and not kind.transactional else None
