"""The way out of mail, in each mail: an address that says who and what, signed, good for ever and for nothing else."""

from dataclasses import dataclass

from django.core import signing
from django.urls import reverse

from apps.accounts.models import User
from apps.core.brand import current_brand
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


def way_out(user: User, code: str) -> tuple[dict[str, str], dict[str, str]]:
    """What mail of this type carries: addresses for its words, and headers. By those (RFC 8058), mail programs show a
    button of their own, which posts to the address."""
    site = current_brand().site_url
    address = f"{site}{reverse('unsubscribe', args=[make_token(user, code)])}"
    words = {"unsubscribe_url": address, "preferences_url": f"{site}{reverse('notification_settings')}"}
    return words, {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


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
