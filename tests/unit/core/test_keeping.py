"""The heartbeat of leases."""

import threading

import pytest
from django.db.utils import OperationalError

from apps.core.keeping import kept_alive


def keepers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kept-alive"]


class Lease:
    """Counts its renewals, and says or raises what its script has next."""

    def __init__(self, *script: bool | Exception) -> None:
        self.script, self.renewals, self.enough = list(script), 0, threading.Event()

    def renew(self) -> bool:
        self.renewals += 1
        if not self.script:
            self.enough.set()
            return True
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@pytest.mark.django_db
def test_it_renews_while_the_block_works_and_no_longer() -> None:
    lease = Lease(True, True)
    with kept_alive(lease.renew, 0.001):
        assert lease.enough.wait(10)
    assert not keepers()


@pytest.mark.django_db
def test_it_ends_however_the_block_is_left() -> None:
    with pytest.raises(SystemExit), kept_alive(Lease().renew, 0.001):
        raise SystemExit
    assert not keepers()


@pytest.mark.django_db
def test_it_outlives_a_database_that_is_away() -> None:
    lease = Lease(OperationalError("away"), OperationalError("still away"))
    with kept_alive(lease.renew, 0.001):
        assert lease.enough.wait(10)


@pytest.mark.django_db
def test_it_stops_when_the_lease_is_lost() -> None:
    lease = Lease(False)
    with kept_alive(lease.renew, 0.001):
        for thread in keepers():
            thread.join(10)
        assert not keepers()
    assert lease.renewals == 1
