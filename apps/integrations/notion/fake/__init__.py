"""A small Notion of our own: it answers the calls of `port.py` as Notion does, and keeps what it is told in memory."""

from apps.integrations.notion.fake.server import FakeNotion, Fault, Request
from apps.integrations.notion.fake.trouble import Trouble

__all__ = ["FakeNotion", "Fault", "Request", "Trouble"]
