"""Calls about the customer portal: Stripe's page for what we need not ask of anybody ourselves."""

from typing import TYPE_CHECKING

from apps.integrations.stripe.reading import Raw
from apps.integrations.stripe.reading_calls import PAGE
from apps.integrations.stripe.wire import Wire, explained, once

if TYPE_CHECKING:
    from stripe import ListObject
    from stripe.billing_portal import Configuration
    from stripe.params.billing_portal import ConfigurationCreateParams

# What finds our configuration again: another form of it needs another number, and is made beside the old one.
OURS = {"levqor": "portal 1"}


class PortalCalls(Wire):
    """See `port.Stripe`."""

    def ensure_portal(self, *, key: str) -> str:
        """The configuration of our portal. Not the account's default, which may let people change plans past us."""
        for there in self._listed(self._configurations, _whole):
            if all((there.get("metadata") or {}).get(name) == value for name, value in OURS.items()):
                return str(there["id"])
        wanted: ConfigurationCreateParams = {
            "features": {
                "customer_update": {"enabled": True, "allowed_updates": ["address", "tax_id"]},
                "invoice_history": {"enabled": True},
                "payment_method_update": {"enabled": True},
                "subscription_cancel": {"enabled": False},
                "subscription_update": {"enabled": False},
            },
            "metadata": OURS,
        }
        with explained():
            return self._stripe.billing_portal.configurations.create(wanted, once(key)).id

    def open_portal(self, customer: str, *, configuration: str, return_url: str, key: str) -> str:
        """The address of a page where the customer changes payment method and address, and sees invoices."""
        with explained():
            session = self._stripe.billing_portal.sessions.create(
                {"customer": customer, "configuration": configuration, "return_url": return_url}, once(key)
            )
        return session.url

    def _configurations(self) -> "ListObject[Configuration]":
        return self._stripe.billing_portal.configurations.list({"active": True, "limit": PAGE})


def _whole(raw: Raw) -> Raw:
    return raw
