"""What the mail senders that get killed run with: Resend's gateway, pointed at a fake on loopback."""

import os

from levqor.settings.local import *  # noqa: F403 - settings are built by layering modules

ANYMAIL = {
    "RESEND_API_KEY": os.environ["RESEND_API_KEY"],
    "RESEND_API_URL": os.environ["FAKE_RESEND_URL"],
    "REQUESTS_TIMEOUT": (4, 12),
}
