"""Whose name is on the door: Levqor's own brand, or that of a realm when a provider knows one."""

from dataclasses import dataclass

from django.conf import settings

from apps.core.context import current
from apps.core.kinds import BrandProvider
from apps.core.registry import registry


@dataclass(frozen=True)
class Brand:
    """What pages, mail and PDFs show. Colours are CSS hex values; `site_url` has no trailing slash."""

    name: str
    color: str
    ink: str
    logo_url: str
    support_email: str
    from_address: str
    site_url: str


def platform_brand() -> Brand:
    """Levqor's own brand."""
    return Brand(
        name="Levqor",
        color="#4338ca",
        ink="#ffffff",
        logo_url="",
        support_email=settings.SUPPORT_EMAIL,
        from_address=settings.DEFAULT_FROM_EMAIL,
        site_url=settings.SITE_URL,
    )


def current_brand() -> Brand:
    """The brand of the current context's realm."""
    realm_id = current().realm_id
    if realm_id is not None:
        for provider in registry(BrandProvider).all():
            brand = provider.find(realm_id)
            if brand is not None:
                return brand
    return platform_brand()
