"""Which Notion is asked, and how fast all threads of a process ask it together."""

import os
from functools import lru_cache

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.integrations.notion.errors import NotionNotSetUpError
from apps.integrations.notion.gateway import NotionGateway
from apps.integrations.notion.guarded import GuardedTransport
from apps.integrations.notion.pace import Pace
from apps.integrations.notion.port import Notion


def is_set_up() -> bool:
    """Whether there is a token, and a page to keep tables under. Without, nothing is asked and every figure works."""
    return bool(settings.NOTION_TOKEN and settings.NOTION_PARENT_PAGE)


def notion() -> Notion:
    """The gateway with this installation's token. Raises `NotionNotSetUpError`."""
    if not is_set_up():
        raise NotionNotSetUpError(_("Set NOTION_TOKEN and NOTION_PARENT_PAGE first."))
    return _gateway(settings.NOTION_TOKEN, settings.NOTION_API_URL)


def pace() -> Pace:
    """The pace of this process with this installation's token: what it found out stays for the next time."""
    return _pace(settings.NOTION_TOKEN, settings.NOTION_API_URL)


def notion_of(token: str, seconds: float) -> Notion:
    """A gateway with a customer's own token, through the guarded client."""
    return NotionGateway(token, settings.NOTION_API_URL, transport=GuardedTransport(seconds))


def is_fake() -> bool:
    """Whether it is not Notion that is asked."""
    return bool(settings.NOTION_API_URL)


@lru_cache(maxsize=8)
def _gateway(token: str, address: str) -> NotionGateway:
    return NotionGateway(token, address)


@lru_cache(maxsize=8)
def _pace(token: str, address: str) -> Pace:
    return Pace()


def _forget() -> None:
    _gateway.cache_clear()
    _pace.cache_clear()


os.register_at_fork(after_in_child=_forget)  # two processes on one connection would read each other's answers
