"""What the admin site does for apps on the lower floors, which know neither the audit log nor organizations."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class StaffSite(Protocol):
    """The one admin site, as pages below it see it. `levqor.admin.LevqorAdminSite` is it."""

    name: str

    def record(
        self, code: str, *, target: Any, data: Mapping[str, Any] | None = None, organization_id: uuid.UUID | None = None
    ) -> None:
        """Put a staff write into the audit log, in the caller's transaction."""

    def history_url(self, row: Any) -> str:
        """Where the audit log tells what was done to a row."""

    def organization_names(self, ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
        """The names of organizations by their keys, in one query."""

    def organization_url(self, organization_id: uuid.UUID) -> str:
        """The page of an organization."""
