"""The fake Stripe as a process of its own: `python -m apps.integrations.stripe.fake --port 8010 --state FILE`.

Its key and webhook secret come from the environment, so that they are in no list of processes.
"""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from django.conf import settings

from apps.integrations.stripe.fake.server import FakeStripe

API_KEY, WEBHOOK_SECRET = "STRIPE_FAKE_API_KEY", "STRIPE_FAKE_WEBHOOK_SECRET"


def main() -> None:
    """Answer until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m apps.integrations.stripe.fake", description="Test payments.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--address", default="", help="where browsers find its pages, if not at host and port")
    parser.add_argument("--state", type=Path, help="the SQLite file that keeps it all; without one, memory does")
    parser.add_argument("--webhook-url", default="", help="where its events go")
    asked = parser.parse_args()
    key, secret = os.environ.get(API_KEY, ""), os.environ.get(WEBHOOK_SECRET, "")
    if not key.startswith("sk_test_") or not secret.startswith("whsec_"):
        parser.error(f"{API_KEY} must begin with sk_test_ and {WEBHOOK_SECRET} with whsec_")
    if not settings.configured:
        settings.configure(USE_I18N=False)
    try:
        fake = FakeStripe(
            host=asked.host,
            port=asked.port,
            address=asked.address,
            state=asked.state,
            webhook_url=asked.webhook_url,
            api_key=key,
            webhook_secret=secret,
        )
    except OSError as error:
        parser.exit(1, f"Test payments can't start at {asked.host}:{asked.port}: {error}\n")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with fake:
        sys.stdout.write(f"Test payments at {fake.world.address}: no money moves.\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
