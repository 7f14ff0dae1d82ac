"""What every kind of contribution is."""

from dataclasses import dataclass
from typing import Literal

from django.utils.functional import Promise

Text = str | Promise
CatchUp = Literal["skip", "latest", "all"]
Dimension = Literal["category", "key_id", "user_id"]
Value = bool | int | str


@dataclass(frozen=True)
class Contribution:
    """Base of all kinds; `key` is unique within a kind."""

    @property
    def key(self) -> str:
        """What the registry files this under."""
        return str(self.name)  # type: ignore[attr-defined] # every kind but a few names itself
