"""What developers adds to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import EventHandler, NavItem, NoticeType, WebhookHandler, WebhookVerifier
from apps.core.registry import register
from apps.developers import handlers
from apps.developers.docs import from_notion

register(
    NavItem("developer", _("Developer"), "developer", "extend", order=10, permission="keys.view", icon="terminal"),
    NoticeType(
        handlers.LEAKED,
        _("An API key leaked"),
        _("To who made it, owners and admins: it was found in a public place and revoked."),
        transactional=True,
    ),
    EventHandler("api_key_leaked", "developers.mail_leak", handlers.mail_leak),
    from_notion.SOURCE,
    WebhookVerifier(from_notion.VENDOR, from_notion.verify),
    WebhookHandler(from_notion.VENDOR, from_notion.SYNC, from_notion.handle),
)
