"""A parent whose child does nothing but send the outbox: kill the child, and there is another one at once.

`python -m tests.faults.mail_sender` says "sending <pid>" for each child.
"""

import os
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.faults.mail_settings")
django.setup()

from apps.integrations.mail.delivery import send_due  # noqa: E402 - Django must be set up before models are imported


def main() -> None:
    """Until killed itself."""
    while True:
        child = os.fork()
        if child == 0:
            work()
        os.waitpid(child, 0)


def work() -> None:
    """Send until killed."""
    sys.stdout.write(f"sending {os.getpid()}\n")
    sys.stdout.flush()
    while True:
        if not send_due():
            time.sleep(0.05)


if __name__ == "__main__":
    main()
