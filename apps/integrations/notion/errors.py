"""What keeps Notion from doing what it was asked."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.core.errors import DomainError, NotFoundError, UnavailableError


class NotionNotSetUpError(DomainError):
    """This installation has no token of Notion's, or no page to keep its tables under."""

    code, status, title = "notion_not_set_up", 503, _("Notion is not set up")


class NotionMissingError(NotFoundError):
    """There is no such page, block or data source, or it is not shared with us."""

    code = "missing_at_notion"


class NotionTokenError(DomainError):
    """Notion does not take the token, or the token does not allow this. Nothing was begun."""

    code, status, title = "refused_token_at_notion", 502, _("Notion refuses the token")


class NotionRefusedError(DomainError):
    """Notion will never do this as it was asked. `notion_code` is its word for why."""

    code, status, title = "refused_by_notion", 422, _("Refused by Notion")

    def __init__(self, detail: str | Promise = "", *, notion_code: str = "") -> None:
        self.notion_code = notion_code
        super().__init__(detail)


class NotionInTrashError(NotionRefusedError):
    """The page lies in the trash, where it can't be changed."""

    code = "in_trash_at_notion"


class NotionUnavailableError(UnavailableError):
    """No answer of use; asking again may help. `ambiguous`: what was asked may have been done."""

    code = "notion_unavailable"

    def __init__(self, detail: str | Promise = "", *, ambiguous: bool = False, retry_after: float = 0.0) -> None:
        self.ambiguous, self.retry_after = ambiguous, retry_after
        super().__init__(detail, retry_after=max(round(retry_after), 1))


class NotionRateLimitedError(NotionUnavailableError):
    """Too many calls: nothing was begun, and this one is not to be made again before `retry_after` seconds."""

    code = "notion_rate_limited"
