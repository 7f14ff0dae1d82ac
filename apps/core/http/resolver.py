"""Name look-ups that end with the request's deadline, although getaddrinfo itself cannot be interrupted."""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from ipaddress import ip_address

from django.utils.translation import gettext as _

from apps.core.http.addresses import IPAddress
from apps.core.http.errors import HttpFailureError, HttpTimeoutError

Lookup = Callable[[str, int], list[IPAddress]]

_MAX_LOOKUPS = 64
_PERMANENT = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME), socket.EAI_FAIL})


def system_lookup(host: str, port: int) -> list[IPAddress]:
    """All addresses of `host` in the system's order of preference. Blocks; raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))


class Resolver:
    """Runs each look-up in a short-lived daemon thread: one that hangs is left behind, holds a slot until the system
    gives up on it (glibc: seconds), and never delays the end of the process as an executor's thread would."""

    def __init__(self, lookup: Lookup = system_lookup, *, max_lookups: int = _MAX_LOOKUPS) -> None:
        self._lookup = lookup
        self._slots = threading.BoundedSemaphore(max_lookups)

    def resolve(self, host: str, port: int, deadline: float) -> list[IPAddress]:
        """The addresses of `host` (at least one). `deadline` is an instant of time.monotonic()."""
        too_late = HttpTimeoutError(_("Looking up %(host)s took too long.") % {"host": host})
        if not self._slots.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise too_late
        answer: Future[list[IPAddress]] = Future()
        try:
            threading.Thread(target=self._run, args=(answer, host, port), name="dns-lookup", daemon=True).start()
        except BaseException:
            self._slots.release()
            raise
        try:
            addresses = answer.result(timeout=max(0.0, deadline - time.monotonic()))
        except FutureTimeoutError:
            raise too_late from None
        except (OSError, UnicodeError) as error:
            permanent = isinstance(error, UnicodeError) or error.errno in _PERMANENT
            raise _dns_failure(host, transient=not permanent) from error
        if not addresses:
            raise _dns_failure(host, transient=False)
        return addresses

    def _run(self, answer: Future[list[IPAddress]], host: str, port: int) -> None:
        try:
            answer.set_result(self._lookup(host, port))
        except BaseException as error:  # noqa: BLE001 - handed to the waiting caller, who raises it
            answer.set_exception(error)
        finally:
            self._slots.release()


def _dns_failure(host: str, *, transient: bool) -> HttpFailureError:
    return HttpFailureError(
        _("No address was found for %(host)s.") % {"host": host}, code="dns_failure", transient=transient
    )
