"""From an alarm's words to a channel's address. Knows no row: the watchdog alarms while the database is away.

An address is a URL: `mailto:ops@example.com`, `https://…#whsec_…` (a webhook, signed where it has a secret), or one of
apprise's (`tgram://…`, `slack://…`, `discord://…`: see `services.SERVICES`).
"""

from apps.notifications.channels.delivering import (
    SIGNS,
    Address,
    deliver,
    is_readable_on_the_way,
    masked,
    refusal_of,
    scheme_of,
)
from apps.notifications.channels.errors import ChannelError

__all__ = [
    "SIGNS",
    "Address",
    "ChannelError",
    "deliver",
    "is_readable_on_the_way",
    "masked",
    "refusal_of",
    "scheme_of",
]
