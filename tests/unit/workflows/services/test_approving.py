"""A person's answer to a waiting approval."""

from datetime import timedelta

import pytest
import time_machine

from apps.core.clock import now
from apps.workflows.engine.worker import work
from apps.workflows.errors import NotWaitingForApprovalError
from apps.workflows.services.approving import decide
from tests.common.roles import actor_of
from tests.common.runs import fresh, run_of, steps

pytestmark = pytest.mark.django_db


def test_an_approval_is_answered_before_its_timeout_or_not_at_all(organization, owner):
    source = "name: A\nsteps: [{id: ok, type: approval, with: {message: Go on?, timeout: 1h}}]"
    with time_machine.travel(now(), tick=False) as clock:
        run = run_of(organization, source)
        work()
        clock.shift(timedelta(hours=1))
        with pytest.raises(NotWaitingForApprovalError):
            decide(steps(run)["ok"], actor_of(owner, organization), "approve")
        work()
    assert (fresh(run).state, fresh(run).error["code"]) == ("failed", "approval_timed_out")
