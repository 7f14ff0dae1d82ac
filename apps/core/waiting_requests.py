"""Requests that wait on purpose: their time says nothing about how quick we are.

Who answers one says so when it begins to wait. What an address asks for is no sign: anybody can ask anything to wait.
"""

from django.http import HttpRequest

_WAITED = "levqor.waited"  # no header is called so


def waits(request: HttpRequest) -> None:
    """This request waits now."""
    request.META[_WAITED] = True


def has_waited(request: HttpRequest) -> bool:
    """Whether it did."""
    return _WAITED in request.META
