"""A small Stripe of our own: it answers the calls of `port.py` as Stripe does, keeps state, and moves no money."""

from apps.integrations.stripe.fake.server import FakeStripe, Fault, Request

__all__ = ["FakeStripe", "Fault", "Request"]
