"""The table “Dev Docs” at Notion: what people write there is among the guides, or in the place of one.

A page has a title, a slug (the guide's address; one of ours is replaced by it), an order and whether it is published.
It is a stranger's text: it goes through the same renderer as ours, in which HTML is text.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from apps.core.clock import now
from apps.core.errors import InvalidInputError, NotFoundError
from apps.core.kinds import NotionProperty, NotionSource
from apps.developers.docs.guides import KEPT_GUIDES, render
from apps.developers.models import NotionGuide
from apps.integrations.errors import WebhookRefusedError
from apps.integrations.notion.objects import WrittenPage
from apps.integrations.notion.syncing import order_table

DEV_DOCS = "dev_docs"
VENDOR = "dev-docs"
MOST_SLUG, MOST_TITLE = 60, 120
SYNC = "sync"


def receive(page: WrittenPage) -> None:
    """Keep a page. One that can't be shown leaves what was shown before."""
    row, _made = NotionGuide.objects.get_or_create(page_id=page.id, defaults={"received_at": now()})
    row.received_at, row.link, row.problem = now(), page.url[:500], ""
    try:
        _take(row, page)
    except InvalidInputError as error:
        row.problem = str(error.detail)[:300]
    row.save()
    _forget_kept()


def _take(row: NotionGuide, page: WrittenPage) -> None:
    """Put what is good into the row. Raises `InvalidInputError` before anything is changed."""
    published = bool(page.values.get("Published"))
    title = " ".join(str(page.values.get("Title") or "").split())
    slug = slugify(str(page.values.get("Slug") or title))
    if published:
        if not 0 < len(title) <= MOST_TITLE:
            raise InvalidInputError(_("The title has 1 to %(most)d characters.") % {"most": MOST_TITLE})
        if not 0 < len(slug) <= MOST_SLUG:
            raise InvalidInputError(_("The slug has 1 to %(most)d characters.") % {"most": MOST_SLUG})
        if not page.markdown.strip():
            raise InvalidInputError(_("The page is empty."))
        if NotionGuide.objects.filter(slug=slug, published=True).exclude(pk=row.pk).exists():
            raise InvalidInputError(_("Another page has the slug “%(slug)s”.") % {"slug": slug})
    source = f"# {title}\n\n{page.markdown}"
    if published:
        render(source)
    if published or not row.published:
        row.title, row.slug, row.source = title[:MOST_TITLE], slug[:MOST_SLUG], source
        row.shown_since = now() if published else None
    row.published, row.position = published, page.values.get("Order")


def forget(page_id: str) -> None:
    """A page is gone: its guide too, or ours is back."""
    NotionGuide.objects.filter(page_id=page_id).delete()
    _forget_kept()


def _forget_kept() -> None:
    transaction.on_commit(lambda: cache.delete(KEPT_GUIDES), robust=True)


SOURCE = NotionSource(
    DEV_DOCS,
    "Dev Docs",
    (
        NotionProperty("Title", "title"),
        NotionProperty("Slug", "rich_text"),
        NotionProperty("Order", "number"),
        NotionProperty("Published", "checkbox"),
    ),
    receive,
    forget,
)


# The signed build hook ----------------------------------------------------------------------------------------------
def verify(body: bytes, headers: Mapping[str, str]) -> tuple[str, str, dict[str, Any]]:
    """Standard Webhooks, five minutes. What the body says does not matter; the inbox takes each id once."""
    if not settings.DEV_DOCS_HOOK_SECRET:
        raise NotFoundError(_("There is nothing at this address."))
    given = {f"webhook-{name}": headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")}
    try:
        Webhook(settings.DEV_DOCS_HOOK_SECRET).verify(body, given, json_parse=False)
        told = json.loads(body) if body else {}
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError, RecursionError):
        raise WebhookRefusedError(_("The signature is not good."), status=401) from None  # no word on why
    return given["webhook-id"], SYNC, {"type": str(told.get("type", ""))[:80]} if isinstance(told, dict) else {}


def handle(payload: dict[str, Any]) -> None:
    """Have the guides fetched, soon. Where Notion is not set up there is nothing to fetch."""
    order_table(DEV_DOCS)
