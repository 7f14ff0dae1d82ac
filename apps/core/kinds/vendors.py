"""Vendors: what they send, whose keys are used, in whose name."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apps.core.kinds.base import Contribution

if TYPE_CHECKING:
    from apps.core.brand import Brand


@dataclass(frozen=True)
class WebhookVerifier(Contribution):
    """How a vendor signs what it sends: `verify(body, headers)` returns (event id, event type, payload) or raises."""

    vendor: str
    verify: Callable[[bytes, Mapping[str, str]], tuple[str, str, dict[str, Any]]]

    @property
    def key(self) -> str:
        return self.vendor


@dataclass(frozen=True)
class WebhookHandler(Contribution):
    """Handles one type of a vendor's events from the inbox, exactly once; `event_type` "*" means all."""

    vendor: str
    event_type: str
    handle: Callable[[dict[str, Any]], None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.event_type}"


@dataclass(frozen=True)
class VendorObjectHandler(Contribution):
    """Is given a vendor's object of a kind as it is now, whenever something happened to it: in one transaction with the
    note that it was seen. It may be given the same again."""

    vendor: str
    kind: str
    name: str
    handle: Callable[[Any], None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.kind}:{self.name}"


@dataclass(frozen=True)
class BrandProvider(Contribution):
    """Finds the brand of a realm, or None to let the next one try."""

    name: str
    find: "Callable[[uuid.UUID], Brand | None]"


@dataclass(frozen=True)
class CredentialProvider(Contribution):
    """Finds a vendor's credentials for a realm, or None."""

    vendor: str
    name: str
    find: Callable[[uuid.UUID | None], Mapping[str, str] | None]

    @property
    def key(self) -> str:
        return f"{self.vendor}:{self.name}"
