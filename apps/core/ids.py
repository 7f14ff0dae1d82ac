"""UUIDv7 primary keys, shown as prefixed TypeIDs such as `run_01m7vv2xh0e14avfxr5vk977ya`."""

import uuid
from datetime import UTC, datetime
from typing import ClassVar, Self

import uuid_utils
import uuid_utils.compat
from django.db import models
from django.utils.translation import gettext_lazy as _
from typeid import TypeID
from typeid.errors import TypeIDException

from apps.core.errors import NotFoundError

BELOW_THE_TIME = (1 << 80) - 1


class InvalidIdError(NotFoundError):
    """The text is no id of this kind. Told as 404: a wrong id and a missing thing look alike from outside."""

    code = "not_found"


def new_id(moment: datetime | None = None) -> uuid.UUID:
    """A time-ordered UUIDv7, of now or of another moment."""
    made = uuid_utils.compat.uuid7()
    return made if moment is None else uuid.UUID(int=lowest_id(moment).int | made.int & BELOW_THE_TIME)


def new_hex() -> str:
    """The 32 hexadecimal digits of a new UUIDv7, for what is no key: without the object around them."""
    return uuid_utils.uuid7().hex


def lowest_id(moment: datetime) -> uuid.UUID:
    """The smallest UUIDv7 that can have been made at a moment: bounds a query by time with the primary key's index."""
    return uuid.UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


def moment_of_id(value: uuid.UUID) -> datetime:
    """When a UUIDv7 was made, to the millisecond."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def to_public(prefix: str, value: uuid.UUID) -> str:
    """The public form of an id: prefix, underscore, 26 base32 characters."""
    return str(TypeID.from_uuid(uuid_utils.UUID(bytes=value.bytes), prefix))


def from_public(prefix: str, text: str) -> uuid.UUID:
    """The UUID in a public id. Raises `InvalidIdError` unless it carries exactly this prefix."""
    try:
        typed = TypeID.from_string(text)
    except (TypeIDException, ValueError, TypeError) as error:
        raise InvalidIdError(_("No such id.")) from error
    if typed.prefix != prefix:
        raise InvalidIdError(_("No such id."))
    return uuid.UUID(bytes=typed.uuid.bytes)


class Entity(models.Model):
    """Base of models that have a public id. Subclasses set `public_prefix`."""

    public_prefix: ClassVar[str] = ""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        """This row's id as the outside sees it."""
        return to_public(self.public_prefix, self.pk)

    @classmethod
    def parse_public_id(cls: type[Self], text: str) -> uuid.UUID:
        """The primary key in a public id of this model. Raises `InvalidIdError`."""
        try:
            return from_public(cls.public_prefix, text)
        except InvalidIdError as error:
            raise InvalidIdError(cls.missing(text).detail) from error

    @classmethod
    def missing(cls, text: str) -> NotFoundError:
        """The refusal for a public id that names nothing: it says what was looked for."""
        return NotFoundError(
            _("There is no %(kind)s “%(name)s”.") % {"kind": cls._meta.verbose_name, "name": text[:80]}
        )
