"""The fake Notion as a process of its own: `python -m apps.integrations.notion.fake --port 8003`.

It says what to put into `.env`, so that a platform on this machine talks to it.
"""

import argparse
import signal
import sys
import threading

from apps.integrations.notion.fake.server import PARENT, FakeNotion
from apps.integrations.notion.fake.trouble import Trouble

TOKEN = "ntn_a_token_of_the_fake_one"  # noqa: S105 - opens nothing but this


def main() -> None:
    """Answer until it is told to stop."""
    parser = argparse.ArgumentParser(prog="python -m apps.integrations.notion.fake", description="A fake Notion.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8003)
    parser.add_argument("--rate", type=float, default=0.0, help="calls a second that it takes; 0: any number")
    parser.add_argument("--refused", type=float, default=0.0, help="share of calls that get 429 by chance")
    parser.add_argument("--failed-before", type=float, default=0.0, help="share that gets 500 and is not done")
    parser.add_argument("--failed-after", type=float, default=0.0, help="share that gets 500 and is done")
    asked = parser.parse_args()
    trouble = Trouble(
        rate=asked.rate, refused=asked.refused, failed_before=asked.failed_before, failed_after=asked.failed_after
    )
    try:
        fake = FakeNotion(host=asked.host, port=asked.port, token=TOKEN, trouble=trouble)
    except OSError as error:
        parser.exit(1, f"The fake Notion can't start at {asked.host}:{asked.port}: {error}\n")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with fake:
        sys.stdout.write(f"Fake Notion at {fake.url}: nothing leaves this machine. In .env:\n")
        sys.stdout.write(f"NOTION_TOKEN={TOKEN}\nNOTION_PARENT_PAGE={PARENT}\nNOTION_API_URL={fake.url}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
